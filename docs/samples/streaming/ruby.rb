require 'json'
require 'net/http'

URL = ENV.fetch('HEADGATE_URL', 'http://127.0.0.1:8787')
KEY = ENV.fetch('HEADGATE_API_KEY')

# Yields the parts of a streamed answer; raises when it fails or is cut.
def stream(body)
  uri = URI("#{URL}/v1/chat/completions")
  headers = { 'Authorization' => "Bearer #{KEY}", 'Content-Type' => 'application/json' }
  request = Net::HTTP::Post.new(uri, headers)
  request.body = body.merge(stream: true).to_json
  Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == 'https') do |http|
    http.request(request) do |response|
      raise JSON.parse(response.read_body)['error'].values_at('code', 'message').join(': ') unless response.code == '200'

      rest = +''
      response.read_body do |bytes|
        rest << bytes
        while (line = rest.slice!(/\A.*\n/))
          next unless line.start_with?('data: ')
          return if line == "data: [DONE]\n"

          part = JSON.parse(line.delete_prefix('data: '))
          raise part['error'].values_at('code', 'message').join(': ') if part['error']

          yield part
        end
      end
    end
  end
  raise 'The stream was cut.'
end

$stdout.sync = true
question = { role: 'user', content: 'Count to three.' }
stream({ model: 'demo', messages: [question], stream_options: { include_usage: true } }) do |part|
  print part.dig('choices', 0, 'delta', 'content')
  puts "\n#{part['usage']['total_tokens']} tokens, #{part['headgate']['cost_usd']} USD" if part['usage']
end
