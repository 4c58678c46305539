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

$schema = [
    'type' => 'object',
    'properties' => [
        'title' => ['type' => 'string'],
        'day' => ['type' => 'string', 'enum' => ['Friday', 'Saturday', 'Sunday']],
        'guests' => ['type' => 'array', 'items' => ['type' => 'string']],
    ],
    'required' => ['title', 'day', 'guests'],
    'additionalProperties' => false,
];
$answer = call('/v1/chat/completions', [
    'model' => 'demo',
    'messages' => [['role' => 'user', 'content' => 'Lunch with Ada and Grace on Friday.']],
    'response_format' => [
        'type' => 'json_schema',
        'json_schema' => ['name' => 'event', 'strict' => true, 'schema' => $schema],
    ],
]);
['message' => $message, 'finish_reason' => $reason] = $answer['choices'][0];
// A refusal, or an answer cut by the token limit, holds no whole object.
if ($reason !== 'stop' || isset($message['refusal'])) {
    throw new RuntimeException('no event: ' . ($message['refusal'] ?? $reason));
}
$event = json_decode($message['content'], true, flags: JSON_THROW_ON_ERROR);
echo "{$event['title']}, {$event['day']}, with ", implode(' and ', $event['guests']), "\n";
