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

$texts = ['The cat sat on the mat', 'A cat lay on the mat', 'Interest rates rise again'];
$answer = call('/v1/embeddings', ['model' => 'demo', 'input' => $texts]);
$vectors = array_column($answer['data'], 'embedding');
echo count($vectors[0]), " dimensions\n";

// The vectors have length 1, so their product is the cosine of the angle between them.
foreach ([1, 2] as $index) {
    $cosine = array_sum(array_map(fn ($left, $right) => $left * $right, $vectors[0], $vectors[$index]));
    printf("%.0f %% like the first: %s\n", $cosine * 100, $texts[$index]);
}
