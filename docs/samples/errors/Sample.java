import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

class Sample {
    static final String URL = System.getenv().getOrDefault("HEADGATE_URL", "http://127.0.0.1:8787");
    static final HttpClient CLIENT = HttpClient.newHttpClient();
    static final int TRIES = 4;

    /** An answer that is an error. */
    static class Refusal extends IOException {
        final JsonObject error;

        Refusal(int status, JsonObject error) {
            super(status + " " + error.get("code").getAsString() + ": " + error.get("message").getAsString());
            this.error = error;
        }
    }

    /** Sends a question; tries again, as Retry-After says, where that can help. */
    static JsonObject chat(String model, String content) throws IOException, InterruptedException {
        var body = JsonParser.parseString("{\"messages\": [{\"role\": \"user\"}]}").getAsJsonObject();
        body.addProperty("model", model);
        body.getAsJsonArray("messages").get(0).getAsJsonObject().addProperty("content", content);
        var request = HttpRequest.newBuilder(URI.create(URL + "/v1/chat/completions"))
                .header("Authorization", "Bearer " + System.getenv("HEADGATE_API_KEY"))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofMinutes(2))
                .POST(BodyPublishers.ofString(body.toString()))
                .build();
        for (var attempt = 1; ; attempt++) {
            var response = CLIENT.send(request, BodyHandlers.ofString());
            var answer = JsonParser.parseString(response.body()).getAsJsonObject();
            var status = response.statusCode();
            if (status < 400) {
                return answer;
            }
            var passing = status == 408 || status == 429 || status >= 500;
            var forbidden = response.headers().firstValue("x-should-retry").orElse("").equals("false");
            if (!passing || forbidden || attempt == TRIES) {
                throw new Refusal(status, answer.getAsJsonObject("error"));
            }
            var backoff = 0.5 * Math.pow(2, attempt) * (0.75 + Math.random() / 4);
            var seconds = response.headers().firstValue("Retry-After").map(Double::valueOf).orElse(backoff);
            System.err.println(status + ", again in " + seconds + " s");
            Thread.sleep((long) (seconds * 1000));
        }
    }

    public static void main(String[] arguments) throws Exception {
        for (var question : new String[] {"Hello", "Hello again"}) {
            chat("demo", question);
            System.out.println("answered: " + question);
        }

        try {
            chat("no-such-model", "Hello");
        } catch (Refusal refusal) {
            // Decide by the code: it never changes its meaning.
            System.out.println(refusal.getMessage());
            System.out.println("request " + refusal.error.get("request_id").getAsString()
                    + ", see " + refusal.error.get("doc_url").getAsString());
        }
    }
}
