import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const READ = `
import base64, json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
print(json.dumps({info.filename: base64.b64encode(archive.read(info)).decode() for info in archive.infolist()}))
`

/** The members of a ZIP archive, as another implementation reads them. */
export const readArchive = (bytes: Buffer): ReadonlyMap<string, Buffer> => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-archive-'))
  try {
    const file = join(folder, 'archive.zip')
    writeFileSync(file, bytes)
    const text = execFileSync('python3', ['-c', READ, file], { encoding: 'utf8', maxBuffer: 100_000_000 })
    const members = Object.entries(JSON.parse(text) as Record<string, string>)
    return new Map(members.map(([name, content]) => [name, Buffer.from(content, 'base64')]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
