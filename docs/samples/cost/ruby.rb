require 'json'
require 'net/http'
require 'securerandom'

URL = ENV.fetch('HEADGATE_URL', 'http://127.0.0.1:8787')
KEY = ENV.fetch('HEADGATE_API_KEY')

# Sends a request and returns the answer; ends with the error of the answer.
def call(path, body = nil, headers = {})
  uri = URI(URL + path)
  headers = { 'Authorization' => "Bearer #{KEY}", 'Content-Type' => 'application/json' }.merge(headers)
  response = body ? Net::HTTP.post(uri, body.to_json, headers) : Net::HTTP.get_response(uri, headers)
  answer = JSON.parse(response.body)
  return answer if response.is_a?(Net::HTTPSuccess)

  abort(answer['error'].values_at('code', 'message').join(': '))
end

# An id of your own finds the call again; without it, take x-request-id from the answer.
id = SecureRandom.uuid
question = { role: 'user', content: 'What do you cost?' }
call('/v1/chat/completions', { model: 'demo', messages: [question] }, { 'x-request-id' => id })

usage = call("/v1/usage/#{id}")
tokens = "#{usage['input_tokens']} tokens in and #{usage['output_tokens']} out"
puts "#{usage['cost_usd']} USD for #{tokens} (#{usage['outcome']})"

totals, budget = call('/v1/usage?limit=1').values_at('totals', 'budget')
puts "#{totals['requests']} calls, #{totals['cost_usd']} USD in all"
puts budget ? "#{budget['spent_usd']} of #{budget['limit_usd']} USD of the budget spent" : 'no budget'
