require 'json'
require 'net/http'

URL = ENV.fetch('HEADGATE_URL', 'http://127.0.0.1:8787')
ADMIN_KEY = ENV.fetch('HEADGATE_ADMIN_KEY')

# Calls the admin API; ends with the error of the answer.
def admin(verb, path, body)
  uri = URI("#{URL}/admin/v1#{path}")
  headers = { 'Authorization' => "Bearer #{ADMIN_KEY}", 'Content-Type' => 'application/json' }
  request = verb.new(uri, headers)
  request.body = body.to_json
  response = Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == 'https') { |http| http.request(request) }
  answer = JSON.parse(response.body)
  return answer if response.is_a?(Net::HTTPSuccess)

  abort(answer['error'].values_at('code', 'message').join(': '))
end

key = admin(Net::HTTP::Post, '/keys', {
              name: 'sample', tier: 'free', models: ['demo'],
              budget: { limit_usd: '5', window: 'month' }
            })
id = key['id']
puts "created #{id}, #{key['budget']['limit_usd']} USD a #{key['budget']['window']}"
# key['key'] is shown this once: store it now.

secret = admin(Net::HTTP::Post, "/keys/#{id}/rotate", { overlap_seconds: 3600 })['key']
puts "rotated: the new secret begins with #{secret[0, 6]}, the former one works for another hour"

budget = admin(Net::HTTP::Patch, "/keys/#{id}", { budget: { limit_usd: '10', window: 'month' } })['budget']
puts "#{budget['spent_usd']} of #{budget['limit_usd']} USD spent"

puts admin(Net::HTTP::Post, "/keys/#{id}/revoke", { reason: 'the sample is over' })['state']
