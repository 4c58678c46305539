import { createHash } from 'node:crypto'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { SealedPlace } from '../../kernel/seal.ts'

/** Seals pieces, and opens them. */
export interface PieceSeal {
  readonly seal: (transaction: Transaction, place: SealedPlace, content: string | Buffer) => Promise<Buffer>
  readonly openBytes: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<Buffer>
}
/** Where pieces are kept, under the SHA-256 of what is stored. */
export interface PieceBlobs {
  readonly put: (name: string, bytes: Buffer) => Promise<void>
  readonly get: (name: string) => Promise<Buffer>
  readonly remove: (name: string) => Promise<void>
}
/** An archive that is being made: `turn` tells one attempt from the next. */
export interface Making {
  readonly project: string
  readonly id: string
  readonly turn: string
}

/** Bytes of a piece before it is sealed: what an export holds in memory. */
const PIECE_BYTES = 2_097_152
/** Whoever makes an archive gives a sign with each piece. */
export const TURN_MINUTES = 10

/** Somebody else makes it, or it is not wanted any more. */
export class TurnLost extends Error {
  override readonly name = 'TurnLost'
}

const placeOf = ({ project, id, turn }: Making, position: number): SealedPlace => ({
  project,
  purpose: 'privacy',
  table: 'privacy_archive_pieces',
  row: `${id}/${turn}/${position}`,
  column: 'object',
})
const unavailable = (cause: unknown): AppError => new AppError('asset_store_unavailable', { cause })

/** Archives in the store of objects, in sealed pieces. */
export const createArchiveStore = (database: Database, { seal, openBytes }: PieceSeal, blobs: PieceBlobs) => {
  const keep = async (making: Making, position: number, plain: Buffer): Promise<void> => {
    const { project, id, turn } = making
    const { object, sealed } = await database.transaction({ project }, async (transaction) => {
      const bytes = await seal(transaction, placeOf(making, position), plain)
      const name = createHash('sha256').update(bytes).digest('hex')
      const mine = await transaction.execute(
        `UPDATE headgate.privacy_requests SET next_at = now() + make_interval(mins => $4)
          WHERE project_id = $1 AND request_id = $2 AND turn = $3`,
        [project, id, turn, TURN_MINUTES],
      )
      if (mine === 0) throw new TurnLost('The archive is not wanted any more')
      await transaction.execute(
        `INSERT INTO headgate.privacy_archive_pieces (project_id, request_id, turn, position, object, bytes)
         VALUES ($1, $2, $3, $4, $5, $6)`,
        [project, id, turn, position, name, plain.length],
      )
      return { object: name, sealed: bytes }
    })
    await blobs.put(object, sealed)
    const { rows } = await database.read({ project }, ({ query }) =>
      query(
        `SELECT 1 FROM headgate.privacy_archive_pieces
          WHERE project_id = $1 AND request_id = $2 AND turn = $3 AND position = $4`,
        [project, id, turn, position],
      ),
    )
    // Its row was erased between the two: nobody would find the object any more.
    if (rows.length === 0) {
      await blobs.remove(object)
      throw new TurnLost('The archive was erased meanwhile')
    }
  }

  return {
    /** Takes the bytes of an archive as they come. `end` keeps the last ones. The writer throws `TurnLost`. */
    writer: (making: Making) => {
      const hash = createHash('sha256')
      let waiting: Buffer[] = []
      let [size, position, bytes] = [0, 0, 0]
      const flush = async (): Promise<void> => {
        if (size === 0) return
        const plain = Buffer.concat(waiting, size)
        waiting = []
        size = 0
        await keep(making, position++, plain)
      }
      return {
        write: async (piece: Buffer): Promise<void> => {
          hash.update(piece)
          bytes += piece.length
          for (let at = 0; at < piece.length; ) {
            const part = piece.subarray(at, at + PIECE_BYTES - size)
            // A view of a larger buffer would keep all of it.
            waiting.push(Buffer.from(part))
            size += part.length
            at += part.length
            if (size === PIECE_BYTES) await flush()
          }
        },
        end: async () => {
          await flush()
          return { bytes, sha256: hash.digest('hex') }
        },
      }
    },
    /** The bytes of an archive; its list of pieces is read before this resolves. Throws AppError `asset_store_unavailable`. */
    read: async (making: Making): Promise<AsyncGenerator<Buffer>> => {
      const { project, id, turn } = making
      const { rows } = await database.read({ project }, ({ query }) =>
        query<{ position: number; object: string }>(
          `SELECT position, object FROM headgate.privacy_archive_pieces
            WHERE project_id = $1 AND request_id = $2 AND turn = $3 ORDER BY position`,
          [project, id, turn],
        ),
      )
      return (async function* () {
        for (const { position, object } of rows) {
          const sealed = await blobs.get(object).catch((cause: unknown) => {
            throw unavailable(cause)
          })
          yield await database.read({ project }, (read) => openBytes(read, placeOf(making, position), sealed))
        }
      })()
    },
    /** Erases the pieces of a request, those of one turn excepted: the objects first, so that none is forgotten. */
    clear: async (project: string, id: string, except: string | null): Promise<void> => {
      const { rows } = await database.read({ project }, ({ query }) =>
        query<{ object: string }>(
          `SELECT object FROM headgate.privacy_archive_pieces
            WHERE project_id = $1 AND request_id = $2 AND turn IS DISTINCT FROM $3`,
          [project, id, except],
        ),
      )
      for (const { object } of rows) await blobs.remove(object)
      if (rows.length === 0) return
      await database.transaction({ project }, ({ execute }) =>
        execute(
          `DELETE FROM headgate.privacy_archive_pieces
            WHERE project_id = $1 AND request_id = $2 AND object = ANY($3)`,
          [project, id, rows.map(({ object }) => object)],
        ),
      )
    },
  }
}
export type ArchiveStore = ReturnType<typeof createArchiveStore>
