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

FUNCTIONS = {
  'get_weather' => ->(_city) { 'sunny, 21 °C' },
  'get_time' => ->(_city) { '12:00' }
}.freeze
parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
tools = [
  { type: 'function', function: { name: 'get_weather', description: 'The weather in a city.', parameters: parameters } },
  { type: 'function', function: { name: 'get_time', description: 'The local time in a city.', parameters: parameters } }
]
messages = [{ role: 'user', content: 'What is the weather in Paris, and what time is it there?' }]

loop do
  answer = call('/v1/chat/completions', { model: 'demo', messages: messages, tools: tools, parallel_tool_calls: true })
  messages << answer['choices'][0]['message']
  break unless messages.last['tool_calls']

  messages.last['tool_calls'].each do |tool_call|
    name, arguments = tool_call['function'].values_at('name', 'arguments')
    puts "#{name} #{arguments}"
    # A model may name a function that does not exist: tell it rather than fail.
    result = FUNCTIONS[name]&.call(JSON.parse(arguments)['city']) || 'There is no such function.'
    messages << { role: 'tool', tool_call_id: tool_call['id'], content: result }
  end
end
puts messages.last['content']
