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

answer = call('/v1/chat/completions', {
                model: 'demo',
                messages: [{ role: 'user', content: 'Say hello in one sentence.' }]
              })
puts answer['choices'][0]['message']['content']
