<?php
declare(strict_types=1);

$url = getenv('HEADGATE_URL') ?: 'http://127.0.0.1:8787';
$adminKey = getenv('HEADGATE_ADMIN_KEY');

/** Calls the admin API; throws the error of the answer. */
function admin(string $method, string $path, array $body): array
{
    global $url, $adminKey;
    $curl = curl_init("$url/admin/v1$path");
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_CUSTOMREQUEST => $method,
        CURLOPT_HTTPHEADER => ["Authorization: Bearer $adminKey", 'Content-Type: application/json'],
        CURLOPT_POSTFIELDS => json_encode($body, JSON_THROW_ON_ERROR),
    ]);
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

$key = admin('POST', '/keys', [
    'name' => 'sample',
    'tier' => 'free',
    'models' => ['demo'],
    'budget' => ['limit_usd' => '5', 'window' => 'month'],
]);
$id = $key['id'];
echo "created $id, {$key['budget']['limit_usd']} USD a {$key['budget']['window']}\n";
// $key['key'] is shown this once: store it now.

$secret = admin('POST', "/keys/$id/rotate", ['overlap_seconds' => 3600])['key'];
echo 'rotated: the new secret begins with ', substr($secret, 0, 6), ", the former one works for another hour\n";

$budget = admin('PATCH', "/keys/$id", ['budget' => ['limit_usd' => '10', 'window' => 'month']])['budget'];
echo "{$budget['spent_usd']} of {$budget['limit_usd']} USD spent\n";

echo admin('POST', "/keys/$id/revoke", ['reason' => 'the sample is over'])['state'], "\n";
