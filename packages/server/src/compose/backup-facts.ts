import type { BackupFacts, CopyStanding, ListedBackup } from '../features/backups/backups.ports.ts'
import { waitingSegments } from '../kernel/embedded-archive.ts'
import { checkSignature } from '../kernel/embedded-backup-check.ts'
import { lastPassedDrill } from '../kernel/embedded-backup-drill.ts'
import { readCopyNote } from '../kernel/embedded-backup-note.ts'
import { createBackupSigner, listBackups, readHead, readManifest } from '../kernel/embedded-backup-repository.ts'
import { AppError } from '../kernel/errors.ts'
import type { BackupOptions } from './backup-tools.ts'

type Options = Pick<BackupOptions, 'directory' | 'dataDirectory' | 'rootKey' | 'copy'>

/** What lies in the folder of backups, and in the outbox before it. */
export const createBackupFacts = ({ directory, dataDirectory, rootKey, copy }: Options): BackupFacts => {
  const signer = createBackupSigner(rootKey)
  /** Lists stay what they are; they are read once. */
  const known = new Map<string, ListedBackup>()
  const read = async (id: string): Promise<ListedBackup> => {
    try {
      const manifest = await readManifest(directory, id)
      checkSignature(manifest, [signer])
      const { started_at, finished_at, evidence, timeline, pack, objects } = manifest
      return {
        id,
        facts: {
          startedAt: Date.parse(started_at),
          finishedAt: Date.parse(finished_at),
          from: Date.parse(evidence.at),
          ...{ timeline, bytes: pack.bytes, storedBytes: pack.stored_bytes, objects: objects?.count ?? null },
        },
      }
    } catch (cause) {
      if (cause instanceof AppError) return { id, facts: null }
      throw cause
    }
  }
  const find = async (id: string): Promise<ListedBackup> => {
    const found = known.get(id) ?? (await read(id))
    if (found.facts !== null) known.set(id, found)
    return found
  }
  return {
    drills: true,
    list: async (most) => {
      const ids = await listBackups(directory)
      for (const id of known.keys()) if (!ids.includes(id)) known.delete(id)
      const found: ListedBackup[] = []
      for (const id of ids.slice(-most).reverse()) found.push(await find(id))
      return found
    },
    has: async (id) => (await listBackups(directory)).includes(id),
    archivedAt: async () => {
      const head = await readHead(directory).catch(() => null)
      return head === null ? null : Date.parse(head.at)
    },
    waiting: () => waitingSegments(dataDirectory),
    drilledAt: () => lastPassedDrill(directory, [signer]),
    oldestAt: async () => {
      for (const id of await listBackups(directory)) {
        const { facts } = await find(id)
        if (facts !== null) return facts.from
      }
      return null
    },
    copy: async () => (copy === null ? null : ((await readCopyNote(dataDirectory)) as CopyStanding | null)),
  }
}
