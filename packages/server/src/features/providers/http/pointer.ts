import { isObject } from '../translation/parts.ts'

/** What a JSON pointer (RFC 6901) leads to; undefined where it leads nowhere. */
export const follow = (document: unknown, pointer: string): unknown => {
  let value = document
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(value)) value = /^(0|[1-9]\d*)$/.test(name) ? (value[Number(name)] as unknown) : undefined
    else value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  }
  return value
}
