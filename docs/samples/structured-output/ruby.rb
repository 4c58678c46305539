require 'json'
require 'net/http'

URL = ENV.fetch('HEADGATE_URL', 'http://127.0.0.1:8787')
KEY = ENV.fetch('HEADGATE_API_KEY')

# Sends a request and returns the answer; ends with the error of the answer.
def call(path, body = nil)
  uri = URI(URL + path)
  headers = { 'Authorization' => "Bearer #{KEY}", 'Content-Type' => 'application/json' }
  response = body ? Net::HTTP.post(uri, body.to_json, headers) : Net::HTTP.get_response(uri, headers)
  answer = JSON.parse(response.body)
  return answer if response.is_a?(Net::HTTPSuccess)

  abort(answer['error'].values_at('code', 'message').join(': '))
end

schema = {
  type: 'object',
  properties: {
    title: { type: 'string' },
    day: { type: 'string', enum: %w[Friday Saturday Sunday] },
    guests: { type: 'array', items: { type: 'string' } }
  },
  required: %w[title day guests],
  additionalProperties: false
}
answer = call('/v1/chat/completions', {
                model: 'demo',
                messages: [{ role: 'user', content: 'Lunch with Ada and Grace on Friday.' }],
                response_format: {
                  type: 'json_schema',
                  json_schema: { name: 'event', strict: true, schema: schema }
                }
              })
message, reason = answer['choices'][0].values_at('message', 'finish_reason')
# A refusal, or an answer cut by the token limit, holds no whole object.
abort("no event: #{message['refusal'] || reason}") if reason != 'stop' || message['refusal']

event = JSON.parse(message['content'])
puts "#{event['title']}, #{event['day']}, with #{event['guests'].join(' and ')}"
