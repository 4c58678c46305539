import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../test/support/services.ts'
import { loadConfig } from './config.ts'
import { secretTexts } from './secrets.ts'

const bucket = { HEADGATE_ASSETS_S3_BUCKET: 'sea' }
const key = { HEADGATE_ASSETS_S3_ACCESS_KEY_ID: 'sailor', HEADGATE_ASSETS_S3_SECRET_ACCESS_KEY: 'lantern' }

it('wants a key for a bucket, and no folder beside it', async () => {
  const load = async (environment: Record<string, string>) =>
    loadConfig({ cwd: await temporaryDirectory('config'), environment })
  await expect(load(bucket)).rejects.toThrow(/s3\.access_key_id: is missing[^]*s3\.secret_access_key: is missing/)
  await expect(load({ ...bucket, ...key, HEADGATE_ASSETS_FOLDER: 'here' })).rejects.toThrow('beside assets.s3.bucket')
  const { config, secrets } = await load({ ...bucket, ...key })
  expect(JSON.stringify(config)).not.toContain('lantern')
  expect(secretTexts(secrets)).toContain('lantern')
})
