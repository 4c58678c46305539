import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

class Sample {
    static final String URL = System.getenv().getOrDefault("HEADGATE_URL", "http://127.0.0.1:8787");

    public static void main(String[] arguments) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(URL + "/v1/chat/completions"))
                .header("Authorization", "Bearer " + System.getenv("HEADGATE_API_KEY"))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofMinutes(2))
                .POST(BodyPublishers.ofString("""
                        {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}"""))
                .build();
        var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        if (response.statusCode() >= 400) {
            throw new IOException(response.body());
        }

        var headers = response.headers();
        var remaining = headers.firstValueAsLong("x-ratelimit-remaining").orElseThrow();
        var seconds = headers.firstValueAsLong("x-ratelimit-reset").orElseThrow();
        System.out.printf("%d of %s requests left%n", remaining, headers.firstValue("x-ratelimit-limit").orElseThrow());
        if (remaining == 0) {
            Thread.sleep(seconds * 1000); // better wait than be refused
        }
        System.out.printf("as many as ever in %d s at most%n", seconds);
    }
}
