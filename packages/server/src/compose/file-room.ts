import type { BatchEndpoint } from '@headgate/contract/files.ts'
import type { Settings } from '../config/config.ts'
import { createFiles } from '../features/files/files.ts'
import type { LineAnswer, LineCall } from '../features/files/files.ports.ts'
import type { LineCallInput } from '../features/gateway/line-call.ts'
import type { Identity } from '../features/identity/identity.ts'
import type { Fail } from '../http/fail.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { Seal } from '../kernel/seal.ts'
import type { Generation } from './generation.ts'
import { createKeyCaller } from './key-caller.ts'
import { createLineAnswers } from './line-answers.ts'

interface FileRoomOptions {
  readonly settings: () => Settings
  readonly database: Database
  readonly seal: Seal
  readonly clock: Clock
  readonly log: Log
  readonly isDraining: () => boolean
  readonly current: () => Pick<Generation, 'lineCall' | 'door'>
  readonly keys: Pick<Identity['keys'], 'get' | 'callerOf'>
  readonly present: Fail['present']
  /** Largest file, as it was when the house started. */
  readonly maxBytes: number
}

const DAY_SECONDS = 86_400
const calls: Readonly<Record<BatchEndpoint, Pick<LineCallInput, 'operation' | 'protocol'>>> = {
  '/v1/chat/completions': { operation: 'chat' },
  '/v1/completions': { operation: 'chat', protocol: 'completions' },
  '/v1/responses': { operation: 'chat', protocol: 'responses' },
  '/v1/embeddings': { operation: 'embeddings' },
  '/v1/moderations': { operation: 'moderations' },
}
/** Said by a provider that has not taken the call on. */
const TOO_MANY = 429

/** Builds files and batches: their lines are calls of the generation that stands when they begin. */
export const createFileRoom = (options: FileRoomOptions) => {
  const { settings, database, seal, clock, log, current, keys, present } = options
  const answer = createLineAnswers(current, clock)
  const call = async ({ endpoint, ...line }: LineCall): Promise<LineAnswer> => {
    const { exchange, made } = await answer(endpoint, { ...line, ...calls[endpoint] })
    const { requestId, walk } = exchange
    if ('body' in made) return { kind: 'answer', requestId, body: made.body.toString('utf8') }
    const { fault } = made
    const wasTried = walk.tries.some(({ status }) => status !== TOO_MANY)
    return { kind: 'fault', requestId, fault, wasTried, body: present(fault, requestId).body }
  }
  return createFiles({
    ...{ database, seal, clock, log, call, isDraining: options.isDraining },
    callerOf: createKeyCaller(keys, clock),
    mayCall: (caller) => current().door.shedding.mayEnter(caller),
    maxBytes: options.maxBytes,
    bounds: () => {
      const { key_bytes: keyBytes, output_days: days } = settings().config.files
      return { keyBytes, outputSeconds: days * DAY_SECONDS }
    },
    batchBounds: () => {
      const { batches, body } = settings().config
      const { max_lines: maxLines, running, concurrency, keep_days: keepDays } = batches
      return { maxLines, maxLineBytes: body.max_bytes, running, concurrency, keepDays }
    },
  })
}
