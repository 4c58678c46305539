import { csvText } from '../../kernel/csv.ts'
import { createZip, type ZipMember } from '../../kernel/zip.ts'
import type { TableMap } from './data-map.ts'
import type { Person } from './erasures.store.ts'
import { exportPage, type TableCount } from './export-page.ts'
import { type ExportedTable, exportPlan, withheld } from './export-plan.ts'
import { type ExportedRow, type ExportStore, OPENED } from './export.store.ts'
import { processingRecord, type RecordFacts } from './processing-record.ts'
import type { ReceiptSigner } from './receipt.ts'

/** A content that a person owns. */
export interface OwnedContent {
  /** Where it stands in the archive, below `assets/`. */
  readonly path: string
  readonly open: () => Promise<AsyncIterable<Buffer>>
}

export interface ArchivePorts {
  readonly map: Readonly<Record<string, TableMap>>
  readonly store: ExportStore
  /** Contents of a person outside the tables. */
  readonly contents: (person: Person) => AsyncIterable<OwnedContent>
  readonly facts: () => RecordFacts
  readonly signer: ReceiptSigner
}

const cell = (value: unknown): string | number | boolean | null => {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return JSON.stringify(value)
}
/** Columns of a table as a person reads them: what was sealed comes last. */
const columnsOf = ({ columns, sealed }: ExportedTable): readonly string[] => [
  ...columns.filter((name) => sealed.every(({ column }) => column !== name)),
  ...(sealed.length > 0 ? [OPENED] : []),
]

/**
 * Writes everything that is held of a person as a ZIP archive: each table that has rows of theirs as JSON Lines and CSV, their assets as
 * files, a page that explains it, and a signed list of all members with their digests. Holds no more than a few rows or a piece of a file.
 */
export const createArchive = ({ map, store, contents, facts, signer }: ArchivePorts) => {
  const plan = exportPlan(map)
  return async (person: Person, request: string, write: (bytes: Buffer) => Promise<void>): Promise<void> => {
    const known = facts()
    const madeAt = new Date(known.now)
    const zip = createZip(write, madeAt)
    const members: ZipMember[] = []
    const tables: TableCount[] = []
    const add = async (name: string, pieces: AsyncIterable<Buffer> | Iterable<Buffer>, isPacked = false) => {
      const entry = await zip.entry(name, { isPacked })
      for await (const piece of pieces) await entry.write(piece)
      members.push(await entry.end())
    }

    for (const entry of plan) {
      const columns = columnsOf(entry)
      let current: Awaited<ReturnType<typeof zip.entry>> | null = null
      const close = async (): Promise<void> => {
        if (current !== null) members.push(await current.end())
        current = null
      }
      /** Its file is begun by the first row: of tables that have none of the person there is none. */
      const into =
        (kind: 'jsonl' | 'csv', head: string, textOf: (row: ExportedRow) => string) => async (row: ExportedRow) => {
          const name = `data/${entry.table}.${kind}`
          if (open !== name) {
            await close()
            current = await zip.entry(name)
            open = name
            if (head !== '') await current.write(Buffer.from(head))
          }
          await current?.write(Buffer.from(textOf(row)))
        }
      let open = ''
      const rows = await store.eachRow(person, entry, [
        into('jsonl', '', (row) => `${JSON.stringify(row)}\n`),
        into('csv', csvText(columns, []), (row) =>
          csvText([], [columns.map((name) => cell(row[name]))]).slice('\r\n'.length),
        ),
      ])
      await close()
      if (rows > 0) tables.push({ table: entry.table, purpose: entry.purpose, kept: entry.kept, rows })
    }
    for await (const content of contents(person)) await add(`assets/${content.path}`, await content.open(), true)

    const record = processingRecord(map, known)
    await add('processing-record.json', [Buffer.from(JSON.stringify(record, null, 2))])
    const page = exportPage({ person, request, madeAt, tables, members, record, withheld })
    await add('index.html', [Buffer.from(page)])
    const manifest = JSON.stringify(
      {
        object: 'privacy_export',
        request,
        project: person.project,
        user: person.user,
        made_at: madeAt.toISOString(),
        tables: Object.fromEntries(tables.map(({ table, rows }) => [table, rows])),
        withheld,
        files: members,
      },
      null,
      2,
    )
    await add('manifest.json', [Buffer.from(manifest)])
    // Bytes as `openssl pkeyutl -verify -rawin` takes them.
    await add('manifest.sig', [signer.sign(manifest)])
    await add('key.pem', [Buffer.from(signer.publicKey)])
    await zip.end()
  }
}
export type WriteArchive = ReturnType<typeof createArchive>
