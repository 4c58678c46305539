#!/usr/bin/env node
/**
 * Verifies an audit that Headgate has exported, offline: this file needs Node 20 or later, and nothing of Headgate.
 *
 *   node audit-verifier.mjs AUDIT.jsonl --checkpoints FILE... --key KEY...      the whole export
 *   node audit-verifier.mjs --proof FILE.tlog-proof --key KEY...                that one entry is in the audit
 *   node audit-verifier.mjs --consistency FILE.json --key KEY...                that one checkpoint begins another
 *
 * KEY is a verifier key, `<name>+<id>+<base64>`, or a file with one a line. Take it, and the checkpoints, from where whoever owns the
 * database cannot write. --witness KEY counts the checkpoints that this witness has cosigned. The status is 0 when all holds, 1 when
 * something does not, 2 when it was asked wrongly.
 *
 * Formats: RFC 6962 and RFC 9162 (tree and proofs), c2sp.org/signed-note, /tlog-checkpoint, /tlog-cosignature, /tlog-proof. Each line of
 * the export is the canonical JSON of an entry (RFC 8785): its leaf hash is the `prev_hash` of the next line.
 */
import { createHash, createPublicKey, verify } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const leafHash = (entry) => sha256(Buffer.from([0]), entry)
const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right)

// Keys and notes

const readKey = (text) => {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? []
  const bytes = Buffer.from(encoded ?? '', 'base64')
  if (bytes.length !== 33 || (bytes[0] !== 1 && bytes[0] !== 4)) throw new Asked(`no verifier key: ${text}`)
  if (sha256(`${name}\n`, bytes).toString('hex', 0, 4) !== id) throw new Asked(`the key does not fit its id: ${text}`)
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes.subarray(1)])
  return { name, id, kind: bytes[0], key: createPublicKey({ key: spki, format: 'der', type: 'spki' }) }
}

/** Whether one of the keys has signed the note; its text then. */
const openNote = (note, keys) => {
  const end = note.lastIndexOf('\n\n')
  const text = note.slice(0, end + 1)
  for (const line of end < 0 ? [] : note.slice(end + 2).split('\n')) {
    const [, name, encoded] = /^— (\S+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? []
    const bytes = Buffer.from(encoded ?? '', 'base64')
    for (const key of keys) {
      if (key.name !== name || bytes.toString('hex', 0, 4) !== key.id) continue
      const isCosignature = key.kind === 4
      if (bytes.length !== (isCosignature ? 76 : 68)) continue
      const signed = isCosignature ? `cosignature/v1\ntime ${bytes.readBigUInt64BE(4)}\n${text}` : text
      if (verify(null, Buffer.from(signed), key.key, bytes.subarray(isCosignature ? 12 : 4))) return text
    }
  }
  return null
}

const readCheckpoint = (text) => {
  const [origin = '', size = '', root = ''] = text.split('\n')
  const hash = Buffer.from(root, 'base64')
  return origin !== '' && /^(0|[1-9]\d{0,14})$/.test(size) && hash.length === 32
    ? { origin, size: Number(size), root: hash }
    : null
}

/** A checkpoint that one of the keys has signed; null for any other. */
const openCheckpoint = (note, keys) => {
  const text = openNote(note, keys)
  return text === null ? null : readCheckpoint(text)
}

// Trees

/** Remembers the roots of complete subtrees only. */
class Tree {
  peaks = []
  size = 0
  append(leaf) {
    let [height, hash] = [0, leaf]
    for (; this.peaks.at(-1)?.height === height; height += 1) hash = nodeHash(this.peaks.pop().hash, hash)
    this.peaks.push({ height, hash })
    this.size += 1
  }
  root() {
    return this.size === 0
      ? sha256()
      : this.peaks.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right))
  }
}

/** RFC 9162, 2.1.3.2. */
const isIncluded = (index, size, leaf, path, root) => {
  if (index >= size) return false
  let [fn, sn, hash] = [BigInt(index), BigInt(size) - 1n, leaf]
  for (const one of path) {
    if (sn === 0n) return false
    if (fn & 1n || fn === sn) {
      hash = nodeHash(one, hash)
      for (; !(fn & 1n) && fn !== 0n; sn >>= 1n) fn >>= 1n
    } else hash = nodeHash(hash, one)
    fn >>= 1n
    sn >>= 1n
  }
  return sn === 0n && hash.equals(root)
}

/** RFC 9162, 2.1.4.2. */
const isConsistent = (first, second, proof) => {
  if (first.size === second.size) return proof.length === 0 && first.root.equals(second.root)
  if (first.size > second.size || first.size === 0) return first.size === 0 && proof.length === 0
  let [fn, sn] = [BigInt(first.size) - 1n, BigInt(second.size) - 1n]
  const isPower = (BigInt(first.size) & fn) === 0n
  const path = isPower ? [first.root, ...proof] : proof
  for (; fn & 1n; sn >>= 1n) fn >>= 1n
  if (path.length === 0) return false
  let [before, after] = [path[0], path[0]]
  for (const one of path.slice(1)) {
    if (sn === 0n) return false
    if (fn & 1n || fn === sn) {
      before = nodeHash(one, before)
      after = nodeHash(one, after)
      for (; !(fn & 1n) && fn !== 0n; sn >>= 1n) fn >>= 1n
    } else after = nodeHash(after, one)
    fn >>= 1n
    sn >>= 1n
  }
  return sn === 0n && before.equals(first.root) && after.equals(second.root)
}

// What is asked

class Asked extends Error {}

const options = { checkpoints: [], key: [], witness: [], proof: [], consistency: [] }
const files = []
const findings = []
const find = (words) => findings.push(words)

/** Notes of a file: JSON Lines with a `note` each, a page of the API, or a bare note. */
const readNotes = (path) => {
  const text = readFileSync(path, 'utf8')
  if (!text.trimStart().startsWith('{')) return [{ source: path, note: text }]
  try {
    const page = JSON.parse(text)
    return (page.data ?? [page]).map(({ note }) => ({ source: path, note }))
  } catch {
    return text
      .split('\n')
      .map((line, index) => ({ source: `${path}:${index + 1}`, line }))
      .filter(({ line }) => line.trim() !== '')
      .map(({ source, line }) => {
        try {
          return { source, note: JSON.parse(line).note }
        } catch {
          return { source, note: '' }
        }
      })
  }
}

/** Longest line that is taken for an entry. */
const mostLine = 67_108_864

/** The lines of a file as bytes. Lines end in LF alone: entries may hold what other readers take for an end. */
async function* linesOf(file) {
  let pieces = []
  let held = 0
  for await (const chunk of createReadStream(file)) {
    let from = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([...pieces, chunk.subarray(from, end)])
      pieces = []
      held = 0
      from = end + 1
    }
    held += chunk.length - from
    if (held > mostLine) throw new Error(`a line of ${file} is longer than ${mostLine} bytes`)
    pieces.push(chunk.subarray(from))
  }
  yield Buffer.concat(pieces)
}

const verifyExport = async (file, keys, witnesses) => {
  const claims = []
  let cosigned = 0
  for (const { source, note } of options.checkpoints.flatMap(readNotes)) {
    const checkpoint = openCheckpoint(String(note), keys)
    if (checkpoint === null) find(`${source}: signed by no key that was given`)
    else claims.push({ source, ...checkpoint })
    if (witnesses.length > 0 && openNote(String(note), witnesses) !== null) cosigned += 1
  }
  claims.sort((one, other) => one.size - other.size)
  const tree = new Tree()
  let previous = Buffer.alloc(32)
  let next = 0
  for await (const written of linesOf(file)) {
    // A tool of Windows may have put a carriage return there; no entry ends in one.
    const line = written.at(-1) === 13 ? written.subarray(0, -1) : written
    if (line.length === 0) continue
    const expected = tree.size + 1
    try {
      const entry = JSON.parse(line.toString('utf8'))
      if (entry.seq !== String(expected))
        find(`line ${expected}: entry ${entry.seq} stands in the place of ${expected}`)
      if (entry.prev_hash !== previous.toString('hex')) find(`entry ${entry.seq} does not follow the one before it`)
    } catch {
      find(`line ${expected} is no JSON`)
    }
    previous = leafHash(line)
    tree.append(previous)
    for (; claims[next]?.size === tree.size; next += 1)
      if (!claims[next].root.equals(tree.root()))
        find(`${claims[next].source}: the first ${tree.size} entries are not those that were signed`)
  }
  for (const { source, size } of claims.slice(next))
    find(`${source}: ${size} entries were signed, ${tree.size} are here`)
  if (claims.length === 0)
    find('no checkpoint was given: nothing says that these are all the entries, or the true ones')
  const signed = claims.at(-1)?.size ?? 0
  const witnessed = witnesses.length > 0 ? `, ${cosigned} of them cosigned` : ''
  return `${tree.size} entries, ${claims.length} checkpoints${witnessed}; ${Math.max(0, tree.size - signed)} entries are not signed yet`
}

const verifyProof = (file, keys) => {
  const [head = '', ...rest] = readFileSync(file, 'utf8').split('\n\n')
  const [version, ...lines] = head.split('\n')
  const extra = lines[0]?.startsWith('extra ') ? Buffer.from(lines.shift().slice(6), 'base64') : null
  const index = /^index (0|[1-9]\d{0,14})$/.exec(lines.shift() ?? '')?.[1]
  const path = lines.map((line) => Buffer.from(line, 'base64'))
  if (path.some((hash) => hash.length !== 32)) find('the path holds something that is no hash')
  const checkpoint = openCheckpoint(rest.join('\n\n'), keys)
  if (version !== 'c2sp.org/tlog-proof@v1' || index === undefined || extra === null)
    find('this is no proof with its entry')
  else if (checkpoint === null) find('the checkpoint is signed by no key that was given')
  else if (!isIncluded(Number(index), checkpoint.size, leafHash(extra), path, checkpoint.root))
    find(`the entry is not number ${Number(index) + 1} of the ${checkpoint.size} that were signed`)
  return `${extra?.toString() ?? ''}\nis entry ${Number(index) + 1} of ${checkpoint?.size}`
}

const verifyConsistency = (file, keys) => {
  const { from, to, proof } = JSON.parse(readFileSync(file, 'utf8'))
  const [first, second] = [from, to].map(({ note }) => openCheckpoint(note, keys))
  if (first === null || second === null) find('a checkpoint is signed by no key that was given')
  else if (first.origin !== second.origin) find('the checkpoints are of different logs')
  else if (
    !isConsistent(
      first,
      second,
      proof.map((hash) => Buffer.from(hash, 'base64')),
    )
  )
    find(`the ${first.size} entries are not the beginning of the ${second.size}`)
  return `the first ${first?.size} entries are the beginning of the ${second?.size}`
}

const readOptions = (words) => {
  let into = files
  for (const word of words) {
    if (!word.startsWith('--')) into.push(word)
    else if (Object.hasOwn(options, word.slice(2))) into = options[word.slice(2)]
    else throw new Asked(`no option ${word}`)
  }
}
const keysOf = (texts) =>
  texts
    .flatMap((text) => (existsSync(text) ? readFileSync(text, 'utf8').split('\n') : [text]))
    .filter((text) => text.trim() !== '')
    .map((text) => readKey(text.trim()))

try {
  readOptions(process.argv.slice(2))
  const [keys, witnesses] = [keysOf(options.key), keysOf(options.witness)]
  if (keys.length === 0) throw new Asked('give --key: without it anybody could have signed')
  const done = []
  for (const file of files) done.push(await verifyExport(file, keys, witnesses))
  for (const file of options.proof) done.push(verifyProof(file, keys))
  for (const file of options.consistency) done.push(verifyConsistency(file, keys))
  if (done.length === 0) throw new Asked('give an export, --proof or --consistency')
  for (const words of findings.length > 0 ? findings : done) process.stdout.write(`${words}\n`)
  process.exitCode = findings.length > 0 ? 1 : 0
} catch (fault) {
  process.stderr.write(`${fault instanceof Asked ? fault.message : `cannot be read: ${fault.message}`}\n`)
  process.exitCode = 2
}
