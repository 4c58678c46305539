<?php
declare(strict_types=1);

$url = getenv('HEADGATE_URL') ?: 'http://127.0.0.1:8787';
$key = getenv('HEADGATE_API_KEY');

/** Sends a request and returns the bytes of the answer; throws its error. */
function call(string $path, array $body): string
{
    global $url, $key;
    $curl = curl_init($url . $path);
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 120,
        CURLOPT_HTTPHEADER => ["Authorization: Bearer $key", 'Content-Type: application/json'],
        CURLOPT_POSTFIELDS => json_encode($body, JSON_THROW_ON_ERROR),
    ]);
    $bytes = curl_exec($curl);
    if ($bytes === false) {
        throw new RuntimeException(curl_error($curl));
    }
    if (curl_getinfo($curl, CURLINFO_RESPONSE_CODE) >= 400) {
        $error = json_decode($bytes, true, flags: JSON_THROW_ON_ERROR)['error'];
        throw new RuntimeException("{$error['code']}: {$error['message']}");
    }
    return $bytes;
}

$wish = ['model' => 'demo', 'prompt' => 'A lighthouse in a storm', 'size' => '64x64'];
$answer = json_decode(call('/v1/images/generations', $wish), true, flags: JSON_THROW_ON_ERROR);
$picture = base64_decode($answer['data'][0]['b64_json']);
echo 'a picture in ', substr($picture, 1, 3), "\n";

$words = ['model' => 'demo', 'voice' => 'alloy', 'input' => 'Welcome to Headgate', 'response_format' => 'wav'];
$sound = call('/v1/audio/speech', $words);
// A WAV file: 44 bytes of header, then 48,000 bytes a second.
printf("%.2f seconds of sound\n", (strlen($sound) - 44) / 48000);
