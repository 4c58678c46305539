#!/usr/bin/env node
// Goes on with one upload by the official client of tus, from wherever it stands: `uploading-client.ts URL KEY FILE`.
import { createReadStream, statSync } from 'node:fs'
import { Upload } from 'tus-js-client'

const [, , uploadUrl = '', key = '', file = ''] = process.argv
const upload = new Upload(createReadStream(file), {
  uploadUrl,
  uploadSize: statSync(file).size,
  chunkSize: 6_000_000,
  headers: { authorization: `Bearer ${key}` },
  // The server that it knows may be gone for good: who started it sends it to another.
  retryDelays: [50, 100, 200],
  onSuccess: ({ lastResponse }) => {
    process.stdout.write(`asset ${lastResponse.getHeader('x-headgate-asset')}\n`)
  },
  onError: (fault) => {
    process.stderr.write(`${fault.message}\n`)
    process.exitCode = 1
  },
})
upload.start()
process.stdout.write('begun\n')
