<?php
// A conversation in the terminal. Ctrl-C ends an answer (with the extension pcntl), Ctrl-D the conversation.
declare(strict_types=1);

$url = getenv('HEADGATE_URL') ?: 'http://127.0.0.1:8787';
$key = getenv('HEADGATE_API_KEY');
$aborted = false;
if (function_exists('pcntl_signal')) {
    pcntl_async_signals(true);
    pcntl_signal(SIGINT, function () use (&$aborted): void {
        $aborted = true;
    });
}

/** Sends one request, gives each line of the answer to $onLine, and returns its status and headers. */
function send(string $path, ?array $body, callable $onLine): array
{
    global $url, $key, $aborted;
    $rest = '';
    $headers = [];
    $curl = curl_init($url . $path);
    curl_setopt_array($curl, [
        CURLOPT_TIMEOUT => 120,
        CURLOPT_HTTPHEADER => ["Authorization: Bearer $key", 'Content-Type: application/json'],
        CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$headers): int {
            [$name, $value] = explode(':', $line, 2) + [1 => ''];
            $headers[strtolower($name)] = trim($value);
            return strlen($line);
        },
        CURLOPT_WRITEFUNCTION => function ($curl, string $bytes) use (&$rest, $onLine): int {
            $lines = explode("\n", $rest . $bytes);
            $rest = array_pop($lines); // begun, but not yet ended
            array_map($onLine, $lines);
            return strlen($bytes);
        },
        CURLOPT_NOPROGRESS => false,
        CURLOPT_XFERINFOFUNCTION => function () use (&$aborted): int {
            return $aborted ? 1 : 0; // anything but 0 ends the transfer
        },
    ] + ($body === null ? [] : [CURLOPT_POSTFIELDS => json_encode($body, JSON_THROW_ON_ERROR)]));
    if (curl_exec($curl) === false) {
        throw new RuntimeException($aborted ? 'aborted' : curl_error($curl));
    }
    if ($rest !== '') {
        $onLine($rest);
    }
    return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $headers];
}

/** Sends a request; tries again, as Retry-After says, where that can help. Returns the last line that is no event. */
function request(string $path, ?array $body, callable $onPart, int $tries = 4): ?array
{
    for ($attempt = 1; ; $attempt++) {
        $other = null;
        [$status, $headers] = send($path, $body, function (string $line) use (&$other, $onPart): void {
            if (str_starts_with($line, 'data: ')) {
                $onPart(substr($line, 6));
            } elseif (str_starts_with($line, '{')) {
                $other = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
            }
        });
        if ($status < 400) {
            return $other;
        }
        $passing = in_array($status, [408, 429], true) || $status >= 500;
        if (!$passing || $attempt === $tries || ($headers['x-should-retry'] ?? '') === 'false') {
            throw new RuntimeException("{$other['error']['code']}: {$other['error']['message']}");
        }
        $seconds = (float) ($headers['retry-after'] ?? 0.5 * 2 ** $attempt * random_int(75, 100) / 100);
        usleep((int) ($seconds * 1_000_000));
    }
}

/** Shows an answer as it comes and returns it; throws when it is not whole. */
function answer(array $messages): string
{
    $text = '';
    $whole = false;
    $body = ['model' => 'demo', 'messages' => $messages, 'stream' => true, 'stream_options' => ['include_usage' => true]];
    request('/v1/chat/completions', $body, function (string $data) use (&$text, &$whole): void {
        if ($data === '[DONE]') {
            $whole = true;
            return;
        }
        $part = json_decode($data, true, flags: JSON_THROW_ON_ERROR);
        if (isset($part['error'])) {
            throw new RuntimeException("{$part['error']['code']}: {$part['error']['message']}");
        }
        echo $content = $part['choices'][0]['delta']['content'] ?? '';
        $text .= $content;
        if (isset($part['usage'])) {
            echo "\n[{$part['usage']['total_tokens']} tokens, {$part['headgate']['cost_usd']} USD";
        }
    });
    if (!$whole) {
        throw new RuntimeException('the stream was cut');
    }
    $budget = request('/v1/usage?limit=1', null, fn () => null)['budget'];
    echo $budget ? "; {$budget['spent_usd']} of {$budget['limit_usd']} USD spent]\n" : "]\n";
    return $text;
}

$messages = [];
while (true) {
    echo 'You: ';
    $question = fgets(STDIN);
    if ($question === false) {
        break;
    }
    $messages[] = ['role' => 'user', 'content' => trim($question)];
    $aborted = false;
    echo 'Model: ';
    try {
        $messages[] = ['role' => 'assistant', 'content' => answer($messages)];
    } catch (RuntimeException $fault) {
        array_pop($messages);
        echo "\n[no whole answer: {$fault->getMessage()}]\n";
    }
}
echo "\n";
