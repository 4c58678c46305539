import type { SealedPlace } from '../../kernel/seal.ts'

/** Where name and metadata of an asset, or of an upload, are sealed. */
export const detailsPlace = (project: string, table: 'assets' | 'asset_uploads', row: string): SealedPlace => ({
  project,
  purpose: 'assets',
  table,
  row,
  column: 'details',
})

/** Where an object is sealed: bound to what it holds, so that it may pass from an upload to a blob. */
export const objectPlace = (project: string, digest: string): SealedPlace => ({
  project,
  purpose: 'assets',
  table: 'asset_chunks',
  row: digest,
  column: 'object',
})
