import { bedrockAddress } from './provider-presets.ts'
import type { Variables } from './variables.ts'

/**
 * What the variables of AWS's own tools say of a provider `bedrock`: a region, and a key of Bedrock's or the three parts of what signs
 * requests. Credentials alone may be there for other services of AWS; `withoutForeignKeys` leaves them out where nobody named the provider.
 */
export const bedrockVariables = (variables: Variables): { name: string; option: string; value: string }[] => {
  const regionName = variables['AWS_REGION'] ? 'AWS_REGION' : 'AWS_DEFAULT_REGION'
  const region = variables[regionName]
  const bearer = variables['AWS_BEARER_TOKEN_BEDROCK']
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = variables
  const signing = id && secret ? [id, secret, ...(token ? [token] : [])].join(':') : undefined
  const key = bearer || signing
  if (!region || !key) return []
  const name = bearer ? 'AWS_BEARER_TOKEN_BEDROCK' : 'AWS_ACCESS_KEY_ID'
  return [
    { name, option: 'kind', value: 'bedrock' },
    { name, option: 'api_key', value: key },
    { name: regionName, option: 'base_url', value: bedrockAddress(region) },
  ]
}

/** The variable with keys that serve all of AWS. */
export const sharedCredentials = 'AWS_ACCESS_KEY_ID'
