// A server that speaks S3, with an empty bucket, for a program that imports nothing of the server: JSON lines on standard input and
// output. It prints {"endpoint", "bucket", "region", "credentials"} when it is ready, answers {"do": "objects"} with how many objects
// are on its disk, and takes all of it away when its input ends.
import { createInterface } from 'node:readline'
import { hasSwift, startSwift } from './swift.ts'

if (!hasSwift) throw new Error('install Debian’s swift-proxy, swift-account, swift-container and swift-object')
const swift = await startSwift()
const { endpoint, bucket, region, credentials } = swift
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

say({ endpoint, bucket, region, credentials })
for await (const line of createInterface({ input: process.stdin })) {
  const { do: command } = JSON.parse(line) as { readonly do: string }
  say(command === 'objects' ? { value: (await swift.objects()).length } : { error: `there is no command ${command}` })
}
await swift.stop()
