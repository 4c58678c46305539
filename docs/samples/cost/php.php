<?php
declare(strict_types=1);

$url = getenv('HEADGATE_URL') ?: 'http://127.0.0.1:8787';
$key = getenv('HEADGATE_API_KEY');

/** Sends a request and returns the answer; throws the error of the answer. */
function call(string $path, ?array $body = null, array $headers = []): array
{
    global $url, $key;
    $curl = curl_init($url . $path);
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 120,
        CURLOPT_HTTPHEADER => ["Authorization: Bearer $key", 'Content-Type: application/json', ...$headers],
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

// An id of your own finds the call again; without it, take x-request-id from the answer.
$id = bin2hex(random_bytes(16));
call('/v1/chat/completions', [
    'model' => 'demo',
    'messages' => [['role' => 'user', 'content' => 'What do you cost?']],
], ["x-request-id: $id"]);

$usage = call("/v1/usage/$id");
echo "{$usage['cost_usd']} USD for {$usage['input_tokens']} tokens in and {$usage['output_tokens']} out ({$usage['outcome']})\n";

['totals' => $totals, 'budget' => $budget] = call('/v1/usage?limit=1');
echo "{$totals['requests']} calls, {$totals['cost_usd']} USD in all\n";
echo $budget ? "{$budget['spent_usd']} of {$budget['limit_usd']} USD of the budget spent\n" : "no budget\n";
