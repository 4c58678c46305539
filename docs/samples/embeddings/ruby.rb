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

texts = ['The cat sat on the mat', 'A cat lay on the mat', 'Interest rates rise again']
answer = call('/v1/embeddings', { model: 'demo', input: texts })
first, *others = answer['data'].map { |item| item['embedding'] }
puts "#{first.length} dimensions"

# The vectors have length 1, so their product is the cosine of the angle between them.
others.zip(texts.drop(1)) do |other, text|
  cosine = first.zip(other).sum { |left, right| left * right }
  puts "#{(cosine * 100).round} % like the first: #{text}"
end
