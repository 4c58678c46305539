import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { queryDatabase } from '../../faults/support/ledger-rows.ts'
import { tactlessModels } from '../../faults/support/tactless-provider.ts'
import { requestText, talk } from '../../input/raw.ts'
import { canaries } from './canaries.ts'
import type { PlantedHouse } from './planted-house.ts'

export const chat = '/v1/chat/completions'
/** A chat with canaries in every text. */
export const prompt = (model: string, more: object = {}) => ({
  model,
  messages: [
    { role: 'user', content: `${canaries.prompt} ${canaries.email}` },
    {
      role: 'assistant',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: canaries.toolArguments } }],
    },
  ],
  ...more,
})

/** Requests that cannot be taken as they are. */
export const badRequests = async ({ send, hear, gateway }: PlantedHouse): Promise<void> => {
  const words = canaries.prompt
  await send(chat, `{"model": "demo", "messages": [${words}`)
  await send(chat, `{"model": "demo", "model": "${words}", "messages": []}`)
  await send(chat, `{"model": "demo", "messages": ${'['.repeat(80)}"${words}"${']'.repeat(80)}}`)
  await send(chat, Buffer.concat([Buffer.from(`{"model": "demo", "messages": ["${words}`), Buffer.from([0xff])]))
  await send(chat, { messages: [{ role: 'user', content: words }] })
  await send(chat, { model: 'demo', messages: [], metadata: { words } })
  await send('/v1/embeddings', { model: 'demo', input: '' })
  await send('/v1/images/generations', { model: 'demo', prompt: '', quality: words })
  await send('/v1/images/generations', { model: 'demo', prompt: words, n: 99 })
  await send('/v1/audio/speech', { model: 'demo', input: words, stream_format: `${words} ` })
  await send('/v1/moderations', { model: 'demo', input: [words, ''] })
  await send(`/image/${encodeURIComponent(words)}?modle=${encodeURIComponent(words)}`)
  await send(`/text/${encodeURIComponent(words)}?model=no-such-model`)
  await send(`/text/${encodeURIComponent(words)}?key=${canaries.strangersKey}`, undefined, { key: '' })
  await send('/v1/images/edits', Buffer.from(`--${words}\r\n`), {
    headers: { 'content-type': `multipart/form-data; boundary=${words}` },
  })
  await send('/v1/responses', { model: 'up/gpt-4o-mini', input: words })
  await send('/v1/responses', { model: 'demo', input: words, previous_response_id: canaries.query })
  await send('/v1/responses', { model: 'demo', input: words, metadata: { words: [words] } })
  await send('/v1/messages', { model: 'up/gpt-4o-mini', max_tokens: 5, system: words, messages: prompt('').messages })
  await send(chat, prompt('demo', { temperature: words }))
  await send(chat, prompt('demo', { max_tokens: -1 }))
  await send(chat, prompt('no-such-model'))
  await send(chat, prompt('claude/any', { modalities: ['audio'] }))
  await writeFile(
    join(gateway.dataDirectory, '../headgate.yaml'),
    `admin_key: [${canaries.file}]\nprot: ${canaries.file}\n`,
  )
  await send('/admin/v1/config/reload', {}, { key: canaries.adminKey })
  await send(chat, prompt('up/text-embedding-3-small'))
  await send(chat, prompt('demo'), { headers: { 'content-type': `text/plain; x=${canaries.callerHeader}` } })
  await send(`/v1/${encodeURIComponent(canaries.query)}`)
  await send(chat, undefined, { method: 'PUT' })
  await send(`/v1/usage/${encodeURIComponent(canaries.query)}`)
  await send(
    '/admin/v1/keys',
    { name: 'x', [canaries.query.slice(0, 4)]: canaries.callerHeader },
    { key: canaries.adminKey },
  )
  await send('/admin/v1/projects', { name: 'x'.repeat(300_000) + words }, { key: canaries.adminKey })
  const raw = await talk(gateway.url, requestText(`GET /${canaries.query}`, { 'x-bad\u0001': canaries.callerHeader }))
  for (const { text, status } of raw.answers) await hear('a malformed request', new Response(text, { status }))
}

/** A body that never comes whole. */
export const slowRequest = async ({ hear, gateway, own }: PlantedHouse): Promise<void> => {
  const slow = await talk(
    gateway.url,
    requestText(
      `POST ${chat}`,
      { authorization: `Bearer ${own}`, 'content-type': 'application/json', 'content-length': '999' },
      canaries.prompt,
    ),
    { patience: 90_000, answers: 1 },
  )
  for (const { text, status } of slow.answers) await hear('a slow request', new Response(text, { status }))
}

/** Callers who may not, or no longer. */
export const badKeys = async ({ send, makeKey, gateway, own }: PlantedHouse): Promise<void> => {
  const page = 'https://app.example.org'
  await send(chat, prompt('demo'), { key: '' })
  await send(chat, prompt('demo'), { key: canaries.strangersKey })
  await send(chat, prompt('demo'), { key: `${own.slice(0, -1)}${own.endsWith('0') ? '1' : '0'}` })
  await send('/admin/v1/keys', undefined, { key: own })
  await send('/admin/v1/keys', undefined, { key: canaries.strangersKey })
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = encode({ iss: `https://${canaries.query}`, sub: canaries.email })
  await send(chat, prompt('demo'), { key: `${encode({ alg: 'none' })}.${claims}.` })
  await send(chat, prompt('demo'), { key: `eyJ${canaries.strangersKey}` })
  await send('/v1/devices', {})
  const ofDevice = { key: `hg_dt_${canaries.strangersKey}`, headers: { 'x-api-key': own } }
  await send(chat, prompt('demo'), ofDevice)
  const signed = { 'x-headgate-user': canaries.email, 'x-headgate-user-signature': canaries.strangersKey }
  await send(chat, prompt('demo'), { headers: signed })
  await send('/admin/v1/keys', undefined, { key: `hg_os_${canaries.strangersKey}` })
  const revoked = await makeKey({})
  await gateway.request(`/admin/v1/keys/${revoked.id}/revoke`, { key: canaries.adminKey, body: {} })
  await send(chat, prompt('demo'), { key: revoked.key })
  const expiring = await makeKey({ expires_at: new Date(Date.now() + 1_500).toISOString() })
  const browser = await makeKey({ kind: 'publishable', origins: [page] })
  await send(chat, prompt('demo'), { key: browser.key, headers: { origin: 'https://elsewhere.example.org' } })
  await send('/v1/usage', undefined, { key: browser.key, headers: { origin: page } })
  await send(chat, prompt('up/priced'), { key: (await makeKey({ models: ['demo'] })).key })
  const tight = await makeKey({ tier: 'tight' })
  for (let count = 0; count < 3; count++) await send(chat, prompt('demo'), { key: tight.key })
  const poor = await makeKey({ budget: { limit_usd: '0.000000001', window: 'total' } })
  await send(chat, prompt('up/priced'), { key: poor.key })
  await send(chat, prompt('up/unpriced'), { key: poor.key })
  const file = { type: 'file', file: { file_id: canaries.prompt } }
  await send(chat, prompt('up/priced', { messages: [{ role: 'user', content: [file] }] }), { key: poor.key })
  await new Promise((resolve) => setTimeout(resolve, 1_600))
  await send(chat, prompt('demo'), { key: expiring.key })
}

/** Providers that fail, saying back what they were told. */
export const badProviders = async ({ send, provider }: PlantedHouse): Promise<void> => {
  const stored = {
    name: 'stored',
    base_url: `${provider.url}/v1`,
    api_key: canaries.storedKey,
    headers: { 'x-own': canaries.providerHeader },
  }
  await send('/admin/v1/providers', stored, { key: canaries.adminKey })
  await send(
    '/admin/v1/providers',
    { ...stored, base_url: `http://a:${canaries.query}@h/` },
    { key: canaries.adminKey },
  )
  await send('/admin/v1/providers/stored/test', {}, { key: canaries.adminKey })
  await send('/admin/v1/providers/up/test', {}, { key: canaries.adminKey })
  for (const model of [...tactlessModels, 'hang', 'context', 'policy', 'huge'])
    for (const name of ['up', 'stored']) {
      if (model === 'hang' && name === 'stored') continue
      await send(chat, prompt(`${name}/${model}`, { stream: true }))
      await send(chat, prompt(`${name}/${model}`))
    }
  await send(chat, prompt('away/any'))
}

/** Statements that fail inside of PostgreSQL, telling rows and parameters. */
export const badDatabase = async ({
  send,
  makeKey,
  databaseUrl,
  cutDatabase,
  killRedis,
}: PlantedHouse): Promise<void> => {
  await queryDatabase(
    databaseUrl,
    `CREATE FUNCTION headgate.tell() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'not kept: % ${canaries.providerKey}', NEW USING DETAIL = NEW::text || '${canaries.prompt}'; END $$;
     CREATE TRIGGER tell BEFORE INSERT ON headgate.projects FOR EACH ROW EXECUTE FUNCTION headgate.tell()`,
  )
  await send('/admin/v1/projects', { name: 'refused' }, { key: canaries.adminKey })
  await queryDatabase(databaseUrl, 'DROP TRIGGER tell ON headgate.projects; DROP FUNCTION headgate.tell()')
  const unseen = await makeKey({})
  await cutDatabase()
  await send(chat, prompt('demo'), { key: unseen.key })
  await send('/admin/v1/keys', undefined, { key: canaries.adminKey })
  await killRedis()
  await send(chat, prompt('demo'))
}
