<?php
declare(strict_types=1);

$url = getenv('HEADGATE_URL') ?: 'http://127.0.0.1:8787';
$key = getenv('HEADGATE_API_KEY');

$headers = [];
$curl = curl_init("$url/v1/chat/completions");
curl_setopt_array($curl, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 120,
    CURLOPT_HTTPHEADER => ["Authorization: Bearer $key", 'Content-Type: application/json'],
    CURLOPT_POSTFIELDS => json_encode(['model' => 'demo', 'messages' => [['role' => 'user', 'content' => 'Hello']]]),
    CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$headers): int {
        [$name, $value] = explode(':', $line, 2) + [1 => ''];
        $headers[strtolower($name)] = trim($value);
        return strlen($line);
    },
]);
$text = curl_exec($curl);
if ($text === false || curl_getinfo($curl, CURLINFO_RESPONSE_CODE) >= 400) {
    throw new RuntimeException($text === false ? curl_error($curl) : json_decode($text)->error->message);
}

$remaining = (int) $headers['x-ratelimit-remaining'];
$seconds = (int) $headers['x-ratelimit-reset'];
echo "$remaining of {$headers['x-ratelimit-limit']} requests left\n";
if ($remaining === 0) {
    sleep($seconds); // better wait than be refused
}
echo "as many as ever in $seconds s at most\n";
