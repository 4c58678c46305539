/** Five limits of each call beside the one of its key: windows and buckets, of requests. */
export const fiveLimits = Object.fromEntries(
  [['key'], ['user'], ['model'], ['project'], ['endpoint']].map((per, index) => [
    `bench-${index}`,
    {
      unit: 'requests',
      limit: 1_000_000_000,
      window_seconds: 60,
      algorithm: index % 2 === 0 ? 'sliding_window' : 'token_bucket',
      per,
    },
  ]),
)
