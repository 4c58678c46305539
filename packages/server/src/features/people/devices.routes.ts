import { DeviceSchema, type MintDevice, MintDeviceSchema } from '@headgate/contract/devices.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { Devices } from './devices.ts'

/** The route by which a page gets a token for the device that it is open on. */
export const deviceRoutes = (devices: Devices): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/v1/devices',
    access: 'caller',
    browser: true,
    summary: 'Makes a token for one anonymous device, or renews it; takes a publishable key from one of its origins.',
    body: MintDeviceSchema,
    reference: {
      operationId: 'mintDevice',
      tag: 'Users',
      answer: DeviceSchema,
      status: 201,
      errors: ['device_proof_required', 'device_proof_invalid', 'publishable_key_required'],
    },
    handle: async ({ exchange, body, address }) => {
      const { id, token, expiresAt } = await devices.mint(exchange.caller, body as MintDevice, address)
      const value = { object: 'device', id, token, expires_at: new Date(expiresAt).toISOString() }
      return { kind: 'json', status: 201, value }
    },
  }),
]
