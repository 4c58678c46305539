import { AuditSchema } from './audit-schema.ts'
import { EncryptionSchema } from './encryption-schema.ts'
import { BackupsSchema } from './backups-schema.ts'
import { filesOptions } from './files-schema.ts'
import { KeyRotationSchema } from './key-rotation-schema.ts'
import { MemoriesSchema } from './memories-schema.ts'
import { PrivacySchema } from './privacy-schema.ts'
import { SessionsSchema } from './sessions-schema.ts'

/** The options of what is kept of people, and of the proof of how it is kept. */
export const dataOptions = {
  sessions: SessionsSchema,
  memories: MemoriesSchema,
  ...filesOptions,
  audit: AuditSchema,
  backups: BackupsSchema,
  encryption: EncryptionSchema,
  key_rotation: KeyRotationSchema,
  privacy: PrivacySchema,
}
