# A conversation in the terminal. Ctrl-C ends an answer, Ctrl-D the conversation.
require 'json'
require 'net/http'

URL = ENV.fetch('HEADGATE_URL', 'http://127.0.0.1:8787')
KEY = ENV.fetch('HEADGATE_API_KEY')
TRIES = 4

def fail_with(error)
  raise error.values_at('code', 'message').join(': ')
end

# Sends a request and yields the answer once it is good; tries again, as Retry-After says, where that can help.
def send_request(request)
  uri = request.uri
  1.upto(TRIES) do |attempt|
    seconds = nil
    Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == 'https') do |http|
      http.request(request) do |response|
        return yield response if response.is_a?(Net::HTTPSuccess)

        passing = %w[408 429].include?(response.code) || response.code.to_i >= 500
        final = !passing || attempt == TRIES || response['x-should-retry'] == 'false'
        fail_with(JSON.parse(response.read_body)['error']) if final
        seconds = response['Retry-After']&.to_f || (0.5 * (2**attempt) * rand(0.75..1))
      end
    end
    sleep seconds
  end
end

def prepare(verb, path, body = nil)
  headers = { 'Authorization' => "Bearer #{KEY}", 'Content-Type' => 'application/json' }
  verb.new(URI(URL + path), headers).tap { |request| request.body = body.to_json if body }
end

# Yields the parts of a stream; raises when it fails or is cut.
def each_part(response)
  rest = +''
  response.read_body do |bytes|
    rest << bytes
    while (line = rest.slice!(/\A.*\n/))
      return if line == "data: [DONE]\n"
      next unless line.start_with?('data: ')

      part = JSON.parse(line.delete_prefix('data: '))
      fail_with(part['error']) if part['error']
      yield part
    end
  end
  raise 'the stream was cut'
end

# What is spent of the key's budget, in words.
def budget
  send_request(prepare(Net::HTTP::Get, '/v1/usage?limit=1')) do |response|
    state = JSON.parse(response.read_body)['budget']
    state ? "; #{state['spent_usd']} of #{state['limit_usd']} USD spent" : ''
  end
end

# Shows an answer as it comes and returns it; raises when it is not whole.
def answer(messages)
  text = +''
  body = { model: 'demo', messages: messages, stream: true, stream_options: { include_usage: true } }
  send_request(prepare(Net::HTTP::Post, '/v1/chat/completions', body)) do |response|
    each_part(response) do |part|
      content = part.dig('choices', 0, 'delta', 'content') || ''
      print content
      text << content
      print "\n[#{part['usage']['total_tokens']} tokens, #{part['headgate']['cost_usd']} USD" if part['usage']
    end
  end
  puts "#{budget}]"
  text
end

$stdout.sync = true
messages = []
loop do
  print 'You: '
  question = $stdin.gets or break
  messages << { role: 'user', content: question.chomp }
  print 'Model: '
  begin
    messages << { role: 'assistant', content: answer(messages) }
  rescue StandardError, Interrupt => e
    messages.pop
    puts "\n[no whole answer: #{e.is_a?(Interrupt) ? 'aborted' : e.message}]"
  end
end
puts
