<?php
declare(strict_types=1);

$url = getenv('HEADGATE_URL') ?: 'http://127.0.0.1:8787';
$key = getenv('HEADGATE_API_KEY');

/** Calls $show with every part of a streamed answer; throws when it fails or is cut. */
function stream(array $body, callable $show): void
{
    global $url, $key;
    $rest = '';
    $whole = false;
    $fault = null;
    $curl = curl_init("$url/v1/chat/completions");
    curl_setopt_array($curl, [
        CURLOPT_TIMEOUT => 120,
        CURLOPT_HTTPHEADER => ["Authorization: Bearer $key", 'Content-Type: application/json'],
        CURLOPT_POSTFIELDS => json_encode($body + ['stream' => true], JSON_THROW_ON_ERROR),
        CURLOPT_WRITEFUNCTION => function ($curl, string $bytes) use (&$rest, &$whole, &$fault, $show): int {
            $lines = explode("\n", $rest . $bytes);
            $rest = array_pop($lines); // begun, but not yet ended
            foreach ($lines as $line) {
                if ($line === 'data: [DONE]') {
                    $whole = true;
                } elseif (str_starts_with($line, 'data: ')) {
                    $part = json_decode(substr($line, 6), true, flags: JSON_THROW_ON_ERROR);
                    isset($part['error']) ? $fault = $part['error'] : $show($part);
                }
            }
            return strlen($bytes);
        },
    ]);
    if (curl_exec($curl) === false) {
        throw new RuntimeException(curl_error($curl));
    }
    if (curl_getinfo($curl, CURLINFO_RESPONSE_CODE) >= 400) {
        $fault = json_decode($rest, true, flags: JSON_THROW_ON_ERROR)['error'];
    }
    if ($fault !== null) {
        throw new RuntimeException("{$fault['code']}: {$fault['message']}");
    }
    if (!$whole) {
        throw new RuntimeException('The stream was cut.');
    }
}

stream([
    'model' => 'demo',
    'messages' => [['role' => 'user', 'content' => 'Count to three.']],
    'stream_options' => ['include_usage' => true],
], function (array $part): void {
    echo $part['choices'][0]['delta']['content'] ?? '';
    if (isset($part['usage'])) {
        echo "\n{$part['usage']['total_tokens']} tokens, {$part['headgate']['cost_usd']} USD\n";
    }
});
