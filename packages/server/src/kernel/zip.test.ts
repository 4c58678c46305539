import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createZip } from './zip.ts'

/** What another implementation finds in an archive. */
const READ = `
import hashlib, json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
members = archive.infolist()
print(json.dumps([len(members), {info.filename: [info.file_size, hashlib.sha256(archive.read(info)).hexdigest()] for info in members[:3] + members[-1:]}]))
`

it('another implementation reads what was written, with its sizes and digests; 70,000 members need the long form', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-zip-'))
  try {
    const out: Buffer[] = []
    const zip = createZip(async (bytes) => void out.push(bytes), new Date('2026-02-03T04:05:06Z'))
    const expected: Record<string, [number, string]> = {}
    const add = async (name: string, pieces: readonly Buffer[], isPacked = false) => {
      const entry = await zip.entry(name, { isPacked })
      for (const piece of pieces) await entry.write(piece)
      const { bytes, sha256 } = await entry.end()
      expect([bytes, sha256]).toEqual([
        Buffer.concat(pieces).length,
        createHash('sha256').update(Buffer.concat(pieces)).digest('hex'),
      ])
      expected[name] = [bytes, sha256]
    }
    await add('a/grüße.txt', [Buffer.from('Hello '.repeat(100_000)), Buffer.from('and so on')])
    await add('empty', [])
    await add('b/stored.bin', [Buffer.from([0, 1, 2, 255]), Buffer.alloc(70_000, 7)], true)
    for (let index = 0; index < 70_000; index += 1) await (await zip.entry(`many/${index}`, { isPacked: true })).end()
    await add('last', [Buffer.from('The last one.')])
    await zip.end()
    const file = join(folder, 'made.zip')
    writeFileSync(file, Buffer.concat(out))
    const found: unknown = JSON.parse(execFileSync('python3', ['-c', READ, file], { encoding: 'utf8' }))
    expect(found).toEqual([70_004, expected])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 30_000)
