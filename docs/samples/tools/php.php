<?php
declare(strict_types=1);

$url = getenv('HEADGATE_URL') ?: 'http://127.0.0.1:8787';
$key = getenv('HEADGATE_API_KEY');

/** Sends a request and returns the answer; throws the error of the answer. */
function call(string $path, ?array $body = null): array
{
    global $url, $key;
    $curl = curl_init($url . $path);
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 120,
        CURLOPT_HTTPHEADER => ["Authorization: Bearer $key", 'Content-Type: application/json'],
    ] + ($body === null ? [] : [CURLOPT_POSTFIELDS => json_encode($body, JSON_THROW_ON_ERROR)]));
    $text = curl_exec($curl);
    if ($text === false) {
        throw new RuntimeException(curl_error($curl));
    }
    $answer = json_decode($text, true, flags: JSON_THROW_ON_ERROR);
    if (curl_getinfo($curl, CURLINFO_RESPONSE_CODE) >= 400) {
        throw new RuntimeException("{$answer['error']['code']}: {$answer['error']['message']}");
    }
    return $answer;
}

$functions = [
    'get_weather' => fn (string $city): string => 'sunny, 21 °C',
    'get_time' => fn (string $city): string => '12:00',
];
$parameters = ['type' => 'object', 'properties' => ['city' => ['type' => 'string']], 'required' => ['city']];
$tools = [];
foreach (['get_weather' => 'The weather in a city.', 'get_time' => 'The local time in a city.'] as $name => $description) {
    $tools[] = ['type' => 'function', 'function' => compact('name', 'description', 'parameters')];
}
$messages = [['role' => 'user', 'content' => 'What is the weather in Paris, and what time is it there?']];

while (true) {
    $answer = call('/v1/chat/completions', [
        'model' => 'demo',
        'messages' => $messages,
        'tools' => $tools,
        'parallel_tool_calls' => true,
    ]);
    $messages[] = $message = $answer['choices'][0]['message'];
    if (empty($message['tool_calls'])) {
        break;
    }
    foreach ($message['tool_calls'] as ['id' => $id, 'function' => ['name' => $name, 'arguments' => $arguments]]) {
        echo "$name $arguments\n";
        // A model may name a function that does not exist: tell it rather than fail.
        $result = isset($functions[$name])
            ? $functions[$name](...json_decode($arguments, true, flags: JSON_THROW_ON_ERROR))
            : 'There is no such function.';
        $messages[] = ['role' => 'tool', 'tool_call_id' => $id, 'content' => $result];
    }
}
echo $message['content'], "\n";
