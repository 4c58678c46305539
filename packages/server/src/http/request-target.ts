/** Percent-encoded letters and digits. No client writes them so; a rule of a proxy in front may not see through it. */
const veiled = /^[^?]*%(?:3\d|[46][1-9a-f]|[57][\da])/i

/**
 * Whether the target of a request is a path that every reader reads alike: it begins with a slash, holds no NUL (no name
 * here has one, and PostgreSQL takes none), and its path encodes nothing that needs no encoding (RFC 3986, section 2.3).
 */
export const isPlainTarget = (target: string): boolean => {
  if (target.charCodeAt(0) !== 0x2f) return false
  return !target.includes('%') || !(target.includes('%00') || veiled.test(target))
}
