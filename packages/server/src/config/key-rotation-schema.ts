import { Type } from 'typebox'
import { group } from './schema-parts.ts'

const days = (what: string, value: number) =>
  Type.Integer({
    minimum: 0,
    maximum: 3_650,
    default: value,
    description: `Days after which ${what} should be replaced; 0: by no schedule.`,
  })

/**
 * When keys are due. The defaults follow the cryptoperiods of NIST SP 800-57 Part 1 Rev. 5, section 5.3.6: symmetric authentication keys two
 * years at most, wrapping and master keys one to two, private signature keys one to three.
 */
export const KeyRotationSchema = group(
  {
    warn_days: Type.Integer({
      minimum: 0,
      maximum: 365,
      default: 14,
      description: 'Days before an end or a rotation from which a key is told as due soon.',
    }),
    api_key_days: days('the secret of an API key', 365),
    admin_key_days: days('the admin key', 365),
    user_secret_days: days('a secret under which a backend signs its users', 365),
    provider_key_days: days('a key of a provider', 365),
    configured_secret_days: days('another secret of the configuration', 365),
    pepper_days: days('the pepper under which API keys are hashed', 730),
    encryption_key_days: days('the encryption key', 365),
    audit_key_days: days('the key that signs the audit', 730),
    provenance_root_days: days('the root under which content is signed', 1_095),
    root_key_days: days('the root key (everything depends on it, and a change-over takes work)', 0),
  },
  'When keys should be replaced, and how long before that is told.',
)
