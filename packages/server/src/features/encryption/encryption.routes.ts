import { EncryptionKeyPathSchema, EncryptionSchema } from '@headgate/contract/encryption.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { Actor, EncryptionService } from './encryption.service.ts'

const by = ({ actor, requestId }: AdminInput): Actor => ({ actor, requestId })

/** What operators ask of the encryption keys. `begun` is called when there may be data keys to rewrap. */
export const encryptionRoutes = (service: EncryptionService, begun: () => void): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/encryption',
    access: 'admin',
    permission: 'encryption:read',
    summary: 'Shows the versions of the encryption key, and how far a rotation is.',
    reference: { operationId: 'getEncryption', tag: 'Encryption', answer: EncryptionSchema },
    handle: async () => {
      const value = await service.show()
      // Whoever waits for the end of a rotation has this replica take part in it.
      if (value.rotation.state === 'rewrapping') begun()
      return { kind: 'json', value }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/encryption/rotations',
    access: 'admin',
    permission: 'encryption:write',
    summary: 'Makes the next version of the encryption key; every data key is rewrapped with it in the background.',
    reference: {
      operationId: 'rotateEncryptionKey',
      tag: 'Encryption',
      description:
        'Calls go on meanwhile. One replica at a time rewraps, 100 data keys in a transaction; where it ends, another goes on within 30 seconds. The former version is destroyed by itself only where it is asked for.',
      answer: EncryptionSchema,
      status: 202,
    },
    handle: async (input) => {
      const value = await service.rotate(by(input))
      begun()
      return { kind: 'json', status: 202, value }
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/admin/v1/encryption/keys/:version',
    access: 'admin',
    permission: 'encryption:write',
    summary: 'Destroys a former version of the encryption key that wraps nothing any more.',
    reference: {
      operationId: 'destroyEncryptionKey',
      tag: 'Encryption',
      params: EncryptionKeyPathSchema,
      answer: EncryptionSchema,
      errors: ['resource_not_found', 'encryption_key_in_use'],
    },
    handle: async (input) => ({
      kind: 'json',
      value: await service.destroy(versionOf(input.params['version'] ?? ''), by(input)),
    }),
  }),
]

const versionOf = (text: string): number => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0)
