import { expect, test } from 'vitest'
import { configurationFolder } from '../../test/support/configuration.ts'

const { faultsOf, load } = configurationFolder()
const template = { method: 'POST', path: '/talk', body: '{"text": {prompt}}', answer: { text: '/text' } }
const environmentOf = (provider: object) => ({
  environment: {
    HEADGATE_PROVIDERS: JSON.stringify({ odd: { kind: 'http', base_url: 'https://odd.example.org', ...provider } }),
  },
})

test('a template that holds is taken as it is written', async () => {
  const { config } = await load(environmentOf({ templates: { chat: template } }))
  expect(config.providers['odd']?.templates?.chat).toMatchObject({ body: '{"text": {prompt}}' })
})

test.each<[object, string]>([
  [{}, '"templates" is missing'],
  [{ kind: 'openai', templates: { chat: template } }, 'is for kind http, not openai'],
  [{ templates: { chat: { ...template, body: '{"text": {promt}}' } } }, '{promt} is not known'],
  [{ templates: { chat: { ...template, body: '{"text": {prompt}' } } }, 'is no JSON once it is filled'],
  [{ templates: { chat: { ...template, path: '/talk/{who}' } } }, '{who} is not known'],
  [{ templates: { chat: { ...template, method: 'GET' } } }, 'is GET with a body'],
  [{ templates: { chat: { ...template, headers: { Authorization: 'x' } } } }, 'is not for a template'],
  [{ templates: { chat: { ...template, answer: { url: '/x' } } } }, 'is no answer of chat'],
  [{ templates: { chat: { ...template, answer: {} } } }, 'does not say where the answer is'],
  [{ templates: { speech: { ...template, answer: { base64: '/x' } } } }, 'does not say what the bytes are'],
])('what is wrong with %j', async (provider, problem) => {
  expect((await faultsOf(environmentOf(provider))).join('\n')).toContain(problem)
})
