import { redactedKinds } from '../../domain/redacted-kinds.ts'
import type { FindInText } from '../../features/anonymise/columns.ts'
import { findPersonal } from '../../features/safety/personal.ts'
import { findSecrets } from '../../features/safety/secrets.ts'

const every = new Set(redactedKinds)

/** What prompts are searched for, as entities of a policy: `EMAIL`, `PHONE`, `CREDIT_CARD`, `OPENAI_KEY`… A pattern is as sure as any other. */
export const findInText: FindInText = (text) =>
  [...findSecrets(text, every), ...findPersonal(text, every)].map(({ kind, start, end }) => ({
    entity: kind.toUpperCase(),
    start,
    end,
    score: 1,
  }))
