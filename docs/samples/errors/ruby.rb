require 'json'
require 'net/http'

URI_OF_CHAT = URI("#{ENV.fetch('HEADGATE_URL', 'http://127.0.0.1:8787')}/v1/chat/completions")
HEADERS = {
  'Authorization' => "Bearer #{ENV.fetch('HEADGATE_API_KEY')}",
  'Content-Type' => 'application/json'
}.freeze

# An answer that is an error.
class Refusal < StandardError
  attr_reader :error

  def initialize(response)
    @error = JSON.parse(response.body)['error']
    super("#{response.code} #{error['code']}: #{error['message']}")
  end
end

# Sends a question; tries again, as Retry-After says, where that can help.
def chat(model, content, tries: 4)
  body = { model: model, messages: [{ role: 'user', content: content }] }.to_json
  1.upto(tries) do |attempt|
    response = Net::HTTP.post(URI_OF_CHAT, body, HEADERS)
    return JSON.parse(response.body) if response.is_a?(Net::HTTPSuccess)

    passing = %w[408 429].include?(response.code) || response.code.to_i >= 500
    raise Refusal, response if !passing || attempt == tries || response['x-should-retry'] == 'false'

    seconds = response['Retry-After']&.to_f || (0.5 * (2**attempt) * rand(0.75..1))
    warn "#{response.code}, again in #{seconds} s"
    sleep seconds
  end
end

['Hello', 'Hello again'].each do |question|
  chat('demo', question)
  puts "answered: #{question}"
end

begin
  chat('no-such-model', 'Hello')
rescue Refusal => e
  # Decide by the code: it never changes its meaning.
  puts e.message
  puts "request #{e.error['request_id']}, see #{e.error['doc_url']}"
end
