import { type AwsCredentials, signedHeaders } from '../../kernel/aws-signature.ts'
import {
  addressFrom,
  expectOk,
  fileFrom,
  members,
  required,
  SecretProblem,
  type SecretSource,
  type SourceSetting,
  textAt,
} from './source.ts'

const CONTAINER_ADDRESS = 'http://169.254.170.2'

/** What the container agent of ECS and EKS lends (docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html). */
const lent = async ({ variables, ask }: SourceSetting, url: string): Promise<AwsCredentials> => {
  const file = variables['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']
  const token = file
    ? fileFrom(file, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE')
    : variables['AWS_CONTAINER_AUTHORIZATION_TOKEN']
  const answer = await ask(url, { isMachine: true, headers: token ? { authorization: token } : {} })
  expectOk(answer, 'the container agent of AWS')
  const what = 'what the container agent of AWS lends'
  const found = members(answer.text, what)
  return {
    accessKeyId: textAt(found, 'AccessKeyId', what),
    secretAccessKey: textAt(found, 'SecretAccessKey', what),
    sessionToken: textAt(found, 'Token', what),
  }
}

/** Who asks AWS: the keys of the environment, or those that the container is lent. @throws SecretProblem. */
export const awsCredentials = async (setting: SourceSetting): Promise<AwsCredentials> => {
  const { variables } = setting
  const full = variables['AWS_CONTAINER_CREDENTIALS_FULL_URI']
  const relative = variables['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']
  if (!variables['AWS_ACCESS_KEY_ID'] && relative) return lent(setting, CONTAINER_ADDRESS + relative)
  if (!variables['AWS_ACCESS_KEY_ID'] && full)
    return lent(setting, addressFrom(full, 'AWS_CONTAINER_CREDENTIALS_FULL_URI'))
  const sessionToken = variables['AWS_SESSION_TOKEN']
  return {
    accessKeyId: required(variables, 'AWS_ACCESS_KEY_ID'),
    secretAccessKey: required(variables, 'AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken && { sessionToken }),
  }
}

/** The region that the environment names. @throws SecretProblem. */
export const awsRegion = (variables: SourceSetting['variables']): string =>
  variables['AWS_REGION'] || required(variables, 'AWS_DEFAULT_REGION')

/** AWS Secrets Manager: `GetSecretValue` of a name or ARN (docs.aws.amazon.com/secretsmanager/latest/apireference). */
export const readAws: SecretSource = async (path, setting) => {
  const { variables, ask, now } = setting
  const region = awsRegion(variables)
  const moved = variables['AWS_ENDPOINT_URL_SECRETS_MANAGER'] || variables['AWS_ENDPOINT_URL']
  const url = moved
    ? `${addressFrom(moved, 'AWS_ENDPOINT_URL_SECRETS_MANAGER')}/`
    : `https://secretsmanager.${region}.amazonaws.com/`
  const body = JSON.stringify({ SecretId: path })
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'secretsmanager.GetSecretValue' }
  const request = { method: 'POST', url, headers, body }
  const answer = await ask(url, {
    method: 'POST',
    headers: signedHeaders(request, await awsCredentials(setting), region, 'secretsmanager', now()),
    body,
  })
  if (answer.status === 400) {
    const kind = /[A-Za-z]+(?:Exception|Error)/.exec(answer.text)?.[0] ?? 'a bad request'
    throw new SecretProblem(`AWS Secrets Manager answered 400: ${kind}`)
  }
  expectOk(answer, 'AWS Secrets Manager', { 403: 'the credentials may not read it' })
  const found = members(answer.text, 'the answer of AWS Secrets Manager')
  if (found['SecretString'] === undefined) throw new SecretProblem('is binary in AWS Secrets Manager; a text is needed')
  return textAt(found, 'SecretString', 'the answer of AWS Secrets Manager')
}
