import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;

class Sample {
    static final String URL = System.getenv().getOrDefault("HEADGATE_URL", "http://127.0.0.1:8787");
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    /** Sends a request and returns the bytes of the answer; throws its error. */
    static byte[] call(String path, JsonObject body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(URL + path))
                .header("Authorization", "Bearer " + System.getenv("HEADGATE_API_KEY"))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofMinutes(2))
                .POST(BodyPublishers.ofString(body.toString()))
                .build();
        var response = CLIENT.send(request, BodyHandlers.ofByteArray());
        if (response.statusCode() >= 400) {
            var error = parse(response.body()).getAsJsonObject("error");
            throw new IOException(error.get("code").getAsString() + ": " + error.get("message").getAsString());
        }
        return response.body();
    }

    static JsonObject parse(byte[] bytes) {
        return JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8)).getAsJsonObject();
    }

    public static void main(String[] arguments) throws Exception {
        var wish = new JsonObject();
        wish.addProperty("model", "demo");
        wish.addProperty("prompt", "A lighthouse in a storm");
        wish.addProperty("size", "64x64");
        var data = parse(call("/v1/images/generations", wish)).getAsJsonArray("data");
        var picture = Base64.getDecoder().decode(data.get(0).getAsJsonObject().get("b64_json").getAsString());
        System.out.println("a picture in " + new String(picture, 1, 3, StandardCharsets.ISO_8859_1));

        var words = new JsonObject();
        words.addProperty("model", "demo");
        words.addProperty("voice", "alloy");
        words.addProperty("input", "Welcome to Headgate");
        words.addProperty("response_format", "wav");
        var sound = call("/v1/audio/speech", words);
        // A WAV file: 44 bytes of header, then 48,000 bytes a second.
        System.out.println(String.format(Locale.ROOT, "%.2f seconds of sound", (sound.length - 44) / 48_000.0));
    }
}
