import { cp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One way to spoil a folder of backups, and the code by which that is found. */
interface Sabotage {
  readonly code: string
  readonly act: () => Promise<unknown>
  /** The file of the identity that is tried; that of the recipient unless told. */
  readonly identity?: string
}

/** Ways to spoil the folder `bad`, which holds two backups. */
export const sabotagesOf = (bad: string, first: string, second: string): Readonly<Record<string, Sabotage>> => {
  const segments = async () =>
    (await readdir(join(bad, 'wal'), { recursive: true })).filter((name) => name.endsWith('.age')).sort()
  const flip = async (path: string) => {
    const bytes = await readFile(path)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
    await writeFile(path, bytes)
  }
  return {
    'a flipped byte of the base': { code: 'backup_damaged', act: () => flip(join(bad, 'base', second, 'pack.age')) },
    'a truncated base': {
      code: 'backup_damaged',
      act: () => truncate(join(bad, 'base', second, 'pack.age'), 200_000),
    },
    'a flipped byte of the WAL': {
      code: 'backup_damaged',
      act: async () => flip(join(bad, 'wal', (await segments()).at(-1) as string)),
    },
    'a missing segment': {
      code: 'backup_damaged',
      act: async () => rm(join(bad, 'wal', (await segments()).at(-1) as string)),
    },
    'the manifest of another backup': {
      code: 'backup_damaged',
      act: () => cp(join(bad, 'base', first, 'manifest.json'), join(bad, 'base', second, 'manifest.json')),
    },
    'the pack of another backup': {
      code: 'backup_damaged',
      act: () => cp(join(bad, 'base', first, 'pack.age'), join(bad, 'base', second, 'pack.age')),
    },
    'a changed manifest': {
      code: 'backup_damaged',
      act: async () => {
        const path = join(bad, 'base', second, 'manifest.json')
        await writeFile(path, (await readFile(path, 'utf8')).replace('\\"format\\":1', '\\"format\\":1 '))
      },
    },
    'a segment under another name': {
      code: 'backup_damaged',
      act: async () => {
        const [one = '', two = ''] = (await segments()).slice(-2)
        await rename(join(bad, 'wal', one), join(bad, 'wal', two.replace(/-.*/, one.slice(one.indexOf('-')))))
        await rm(join(bad, 'wal', two))
      },
    },
    'a note of the newest segment that is not signed': {
      code: 'backup_damaged',
      act: async () => {
        const { head } = JSON.parse(await readFile(join(bad, 'wal', 'head.json'), 'utf8'))
        await writeFile(join(bad, 'wal', 'head.json'), head)
      },
    },
    'a wrong key': { code: 'backup_key_wrong', act: async () => {}, identity: 'stranger.txt' },
  }
}
