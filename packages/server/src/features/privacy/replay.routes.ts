import { ErasuresReplayedSchema, type ReplayErasures, ReplayErasuresSchema } from '@headgate/contract/privacy.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import { JournalLineInvalid } from './erasure-journal.ts'
import type { Replayed } from './replay-erasures.ts'

/** A journal of its length with its quotation marks escaped. */
const MOST_BYTES = 16_777_216

/** Erasing again whom a restored database still has. `told` writes the audit of it. */
export const replayRoutes = (
  replay: (lines: Iterable<string>) => Promise<Replayed>,
  told: (by: { readonly actor: string; readonly requestId: string }) => Promise<void>,
): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/admin/v1/privacy/erasures/replay',
    access: 'admin',
    permission: 'privacy:write',
    summary: 'Erases again those whom the erasure journal names and a restored database still has.',
    body: ReplayErasuresSchema,
    maxBodyBytes: MOST_BYTES,
    reference: {
      operationId: 'replayErasures',
      tag: 'Privacy',
      description:
        'Before anybody is erased every line is checked for the signature of this house. Ask before the restored house is open to others.',
      answer: ErasuresReplayedSchema,
    },
    handle: async ({ body, actor, requestId }) => {
      const lines = (body as ReplayErasures).journal.split('\n').filter((line) => line !== '')
      const done = await replay(lines).catch((cause: unknown) => {
        if (!(cause instanceof JournalLineInvalid)) throw cause
        throw new AppError('invalid_parameter', {
          cause,
          detail: 'A line of the journal does not have the signature of this house.',
          details: [
            {
              location: 'journal',
              message: 'has a line that was changed, or written under another root key',
              fix: 'Start with the root key that was in use, and give the journal as it was written.',
            },
          ],
        })
      })
      await told({ actor, requestId })
      return { kind: 'json', value: { object: 'erasures_replayed' as const, ...done } }
    },
  }),
]
