import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'

/** Ed25519, as C2SP’s signed notes number it (c2sp.org/signed-note). */
const ed25519 = 0x01
/** Cosignatures of witnesses by Ed25519 (c2sp.org/tlog-cosignature). */
const cosignature = 0x04
const idBytes = 4
const keyBytes = 32
const signatureBytes = 64
const timestampBytes = 8
const dash = '—'
/** DER before the 32 bytes of a public key of Ed25519 (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/** Who signs notes, by name and public key. */
export interface NoteKey {
  readonly name: string
  /** `0x01` signs notes, `0x04` cosigns checkpoints. */
  readonly kind: number
  /** 32 bytes. */
  readonly key: Buffer
}

/** A line of a note: who is said to have signed, the key’s first bytes, and the signature. */
export interface NoteSignature {
  readonly name: string
  readonly id: string
  readonly signature: Buffer
  readonly line: string
}

/** A note, split: its text with the newline at its end, and its signatures. */
export interface Note {
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** First four bytes of SHA-256 over name, newline, kind and key, in hex. */
export const keyId = ({ name, kind, key }: NoteKey): string =>
  createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([kind]))
    .update(key)
    .digest('hex')
    .slice(0, 2 * idBytes)

/** The key as one text: `<name>+<id>+<base64>`. */
export const printKey = (key: NoteKey): string =>
  `${key.name}+${keyId(key)}+${Buffer.concat([Buffer.from([key.kind]), key.key]).toString('base64')}`

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const isName = (name: string): boolean => name !== '' && !/[\s+]/u.test(name)

/** Reads what `printKey` writes; null for what is none, or not of Ed25519. */
export const readKey = (text: string): NoteKey | null => {
  const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? []
  if (!isName(name) || !base64.test(encoded)) return null
  const bytes = Buffer.from(encoded, 'base64')
  const [kind] = bytes
  if (bytes.length !== keyBytes + 1 || (kind !== ed25519 && kind !== cosignature)) return null
  const key = { name, kind, key: bytes.subarray(1) }
  return keyId(key) === id ? key : null
}

/** A new pair of keys: the private one as PEM. */
export const makeKeys = (name: string): { readonly secret: string; readonly key: NoteKey } => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    secret: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    key: {
      name,
      kind: ed25519,
      key: publicKey.export({ type: 'spki', format: 'der' }).subarray(spkiPrefix.length),
    },
  }
}

/** The text and its signature, as a note. `text` ends with a newline; `secret` is PEM. */
export const signNote = (text: string, key: NoteKey, secret: string): string => {
  const signature = sign(null, Buffer.from(text), createPrivateKey(secret))
  const bytes = Buffer.concat([Buffer.from(keyId(key), 'hex'), signature])
  return `${text}\n${dash} ${key.name} ${bytes.toString('base64')}\n`
}

/** Reads a line of a signature; null for what is none. */
export const readSignature = (line: string): NoteSignature | null => {
  const [mark, name = '', encoded = '', ...rest] = line.split(' ')
  if (mark !== dash || !isName(name) || encoded === '' || !base64.test(encoded) || rest.length > 0) return null
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.length <= idBytes) return null
  return { name, id: bytes.toString('hex', 0, idBytes), signature: bytes.subarray(idBytes), line }
}

/** Splits a note; null for what is none. */
export const readNote = (note: string): Note | null => {
  const end = note.lastIndexOf('\n\n')
  if (end < 0 || !note.endsWith('\n')) return null
  const signatures = note
    .slice(end + 2, -1)
    .split('\n')
    .map(readSignature)
  if (signatures.includes(null)) return null
  return { text: note.slice(0, end + 1), signatures: signatures as NoteSignature[] }
}

const verifyBytes = ({ key }: NoteKey, bytes: string, signature: Buffer): boolean =>
  signature.length === signatureBytes &&
  verify(
    null,
    Buffer.from(bytes),
    createPublicKey({ key: Buffer.concat([spkiPrefix, key]), format: 'der', type: 'spki' }),
    signature,
  )

/** Whether this key made this signature of the text. Of a cosignature, the time is part of what it signs. */
export const isSignedBy = (key: NoteKey, text: string, { name, id, signature }: NoteSignature): boolean => {
  if (name !== key.name || id !== keyId(key)) return false
  if (key.kind === ed25519) return verifyBytes(key, text, signature)
  if (signature.length !== timestampBytes + signatureBytes) return false
  const time = signature.readBigUInt64BE()
  return verifyBytes(key, `cosignature/v1\ntime ${time}\n${text}`, signature.subarray(timestampBytes))
}

/** A checkpoint (c2sp.org/tlog-checkpoint): what a note of the log says. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
}

/** The text of a checkpoint. */
export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${root.toString('base64')}\n`

/** Reads the text of a checkpoint; null for what is none. */
export const readCheckpoint = (text: string): Checkpoint | null => {
  const [origin = '', size = '', root = ''] = text.split('\n')
  if (origin === '' || !/^(0|[1-9]\d{0,14})$/.test(size) || !base64.test(root)) return null
  const hash = Buffer.from(root, 'base64')
  return hash.length === keyBytes ? { origin, size: Number(size), root: hash } : null
}

/** What a note says, when one of the keys has signed it; null otherwise. */
export const openCheckpoint = (note: string, keys: readonly NoteKey[]): Checkpoint | null => {
  const read = readNote(note)
  if (!read?.signatures.some((one) => keys.some((key) => isSignedBy(key, read.text, one)))) return null
  return readCheckpoint(read.text)
}
