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

// One red pixel; for a file: base64_encode(file_get_contents('picture.png'))
$image = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

$answer = call('/v1/chat/completions', [
    'model' => 'demo',
    'messages' => [['role' => 'user', 'content' => [
        ['type' => 'text', 'text' => 'What is in this picture?'],
        ['type' => 'image_url', 'image_url' => ['url' => "data:image/png;base64,$image"]],
    ]]],
]);
echo $answer['choices'][0]['message']['content'], "\n";
