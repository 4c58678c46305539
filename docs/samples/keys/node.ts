const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'

interface Key {
  id: string
  key: string
  state: string
  budget: { limit_usd: string; window: string; spent_usd: string }
}

const admin = async (method: string, path: string, body: object): Promise<Key> => {
  const response = await fetch(`${url}/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${process.env['HEADGATE_ADMIN_KEY']}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) {
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    throw new Error(`${error.code}: ${error.message}`)
  }
  return (await response.json()) as Key
}

const budget = { limit_usd: '5', window: 'month' }
const created = await admin('POST', '/keys', { name: 'sample', tier: 'free', models: ['demo'], budget })
console.log(`created ${created.id}, ${created.budget.limit_usd} USD a ${created.budget.window}`)
// created.key is shown this once: store it now.

const rotated = await admin('POST', `/keys/${created.id}/rotate`, { overlap_seconds: 3600 })
console.log(`rotated: the new secret begins with ${rotated.key.slice(0, 6)}, the former one works for another hour`)

const changed = await admin('PATCH', `/keys/${created.id}`, { budget: { limit_usd: '10', window: 'month' } })
console.log(`${changed.budget.spent_usd} of ${changed.budget.limit_usd} USD spent`)

const revoked = await admin('POST', `/keys/${created.id}/revoke`, { reason: 'the sample is over' })
console.log(revoked.state)
