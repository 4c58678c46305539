import { anonymiseErrors } from './anonymise.ts'
import { assetErrors } from './assets.ts'
import { authenticationErrors } from './authentication.ts'
import { backupErrors } from './backups.ts'
import { conversationErrors } from './conversations.ts'
import { privacyErrors } from './privacy.ts'
import type { ErrorEntry } from './entry.ts'
import { fetchErrors } from './fetch.ts'
import { fileErrors } from './files.ts'
import { idempotencyErrors } from './idempotency.ts'
import { limitErrors } from './limits.ts'
import { memoryErrors } from './memories.ts'
import { peopleErrors } from './people.ts'
import { platformErrors } from './platform.ts'
import { provenanceErrors } from './provenance.ts'
import { requestErrors } from './request.ts'
import { responseErrors } from './responses.ts'
import { safetyErrors } from './safety.ts'
import { streamErrors } from './streams.ts'
import { upstreamErrors } from './upstream.ts'

const families = {
  ...authenticationErrors,
  ...peopleErrors,
  ...requestErrors,
  ...idempotencyErrors,
  ...safetyErrors,
  ...streamErrors,
  ...responseErrors,
  ...fileErrors,
  ...fetchErrors,
  ...assetErrors,
  ...provenanceErrors,
  ...conversationErrors,
  ...memoryErrors,
  ...privacyErrors,
  ...anonymiseErrors,
  ...limitErrors,
  ...upstreamErrors,
  ...platformErrors,
  ...backupErrors,
}

/** The stable name of a catalogued error: `error.code` on the wire, and the page name of its documentation. */
export type ErrorCode = keyof typeof families

/** Every error that can leave Headgate, by its code. */
export const errorCatalogue: Readonly<Record<ErrorCode, ErrorEntry>> = families
