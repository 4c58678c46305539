require 'json'
require 'net/http'

URL = ENV.fetch('HEADGATE_URL', 'http://127.0.0.1:8787')
KEY = ENV.fetch('HEADGATE_API_KEY')

# Sends a request and returns the bytes of the answer; ends with its error.
def call(path, body)
  headers = { 'Authorization' => "Bearer #{KEY}", 'Content-Type' => 'application/json' }
  response = Net::HTTP.post(URI(URL + path), body.to_json, headers)
  return response.body if response.is_a?(Net::HTTPSuccess)

  abort(JSON.parse(response.body)['error'].values_at('code', 'message').join(': '))
end

answer = JSON.parse(call('/v1/images/generations', { model: 'demo', prompt: 'A lighthouse in a storm', size: '64x64' }))
picture = answer['data'][0]['b64_json'].unpack1('m')
puts "a picture in #{picture[1, 3]}"

words = { model: 'demo', voice: 'alloy', input: 'Welcome to Headgate', response_format: 'wav' }
sound = call('/v1/audio/speech', words)
# A WAV file: 44 bytes of header, then 48,000 bytes a second.
puts format('%.2f seconds of sound', (sound.bytesize - 44) / 48_000.0)
