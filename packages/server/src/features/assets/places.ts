import { createHash } from 'node:crypto'
import type { SealedPlace } from '../../kernel/seal.ts'
import type { Owner } from './assets.ports.ts'

/** Where name and metadata of an asset, or of an upload, are sealed. */
export const detailsPlace = (
  { project, subject }: Owner,
  table: 'assets' | 'asset_uploads',
  row: string,
): SealedPlace => ({
  project,
  subject,
  purpose: 'assets',
  table,
  row,
  column: 'details',
})

/** Where an object is sealed: bound to what it holds, so that it may pass from an upload to a blob. */
export const objectPlace = ({ project, subject }: Owner, digest: string): SealedPlace => ({
  project,
  subject,
  purpose: 'assets',
  table: 'asset_chunks',
  row: digest,
  column: 'object',
})

/** The name under which an owner’s content of this digest is kept: another for each person, since each has a data key. */
export const blobName = ({ project, subject }: Owner, digest: string): string => {
  if (subject === '') return digest
  const owner = createHash('sha256')
    .update(JSON.stringify([project, subject]))
    .digest('hex')
  return `${digest}.${owner.slice(0, 32)}`
}

/** Where a small picture of a content is sealed. A content that is kept for all of a project has its pictures for all, too. */
export const thumbnailPlace = ({ project, subject }: Owner, blob: string, width: number): SealedPlace => ({
  project,
  subject: blob.includes('.') ? subject : '',
  purpose: 'assets',
  table: 'asset_thumbnails',
  row: `${blob}/${width}`,
  column: 'sealed',
})
