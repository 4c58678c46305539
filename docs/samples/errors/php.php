<?php
declare(strict_types=1);

$url = getenv('HEADGATE_URL') ?: 'http://127.0.0.1:8787';
$key = getenv('HEADGATE_API_KEY');

/** An answer that is an error, with its body. */
final class Refusal extends RuntimeException
{
    public function __construct(public readonly int $status, public readonly array $error)
    {
        parent::__construct("$status {$error['code']}: {$error['message']}");
    }
}

/** Sends a question; tries again, as Retry-After says, where that can help. */
function chat(string $model, string $content, int $tries = 4): array
{
    global $url, $key;
    for ($attempt = 1; ; $attempt++) {
        $headers = [];
        $curl = curl_init("$url/v1/chat/completions");
        curl_setopt_array($curl, [
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => 120,
            CURLOPT_HTTPHEADER => ["Authorization: Bearer $key", 'Content-Type: application/json'],
            CURLOPT_POSTFIELDS => json_encode(
                ['model' => $model, 'messages' => [['role' => 'user', 'content' => $content]]],
                JSON_THROW_ON_ERROR,
            ),
            CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$headers): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $headers[strtolower($name)] = trim($value);
                return strlen($line);
            },
        ]);
        $text = curl_exec($curl);
        if ($text === false) {
            throw new RuntimeException(curl_error($curl));
        }
        $answer = json_decode($text, true, flags: JSON_THROW_ON_ERROR);
        $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        if ($status < 400) {
            return $answer;
        }
        $passing = in_array($status, [408, 429], true) || $status >= 500;
        if (!$passing || $attempt === $tries || ($headers['x-should-retry'] ?? '') === 'false') {
            throw new Refusal($status, $answer['error']);
        }
        $seconds = (float) ($headers['retry-after'] ?? 0.5 * 2 ** $attempt * random_int(75, 100) / 100);
        file_put_contents('php://stderr', "$status, again in $seconds s\n");
        usleep((int) ($seconds * 1_000_000));
    }
}

foreach (['Hello', 'Hello again'] as $question) {
    chat('demo', $question);
    echo "answered: $question\n";
}

try {
    chat('no-such-model', 'Hello');
} catch (Refusal $refusal) {
    // Decide by the code: it never changes its meaning.
    echo $refusal->getMessage(), "\n";
    echo "request {$refusal->error['request_id']}, see {$refusal->error['doc_url']}\n";
}
