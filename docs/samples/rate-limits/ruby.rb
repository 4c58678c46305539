require 'json'
require 'net/http'

uri = URI("#{ENV.fetch('HEADGATE_URL', 'http://127.0.0.1:8787')}/v1/chat/completions")
headers = { 'Authorization' => "Bearer #{ENV.fetch('HEADGATE_API_KEY')}", 'Content-Type' => 'application/json' }
body = { model: 'demo', messages: [{ role: 'user', content: 'Hello' }] }
response = Net::HTTP.post(uri, body.to_json, headers)
abort(JSON.parse(response.body)['error'].values_at('code', 'message').join(': ')) unless response.code == '200'

remaining = response['x-ratelimit-remaining'].to_i
seconds = response['x-ratelimit-reset'].to_i
puts "#{remaining} of #{response['x-ratelimit-limit']} requests left"
sleep seconds if remaining.zero? # better wait than be refused
puts "as many as ever in #{seconds} s at most"
