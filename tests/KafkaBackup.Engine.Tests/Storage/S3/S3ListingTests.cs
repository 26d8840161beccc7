using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>
/// Listings that cannot be trusted end with an error: a backup that seems to have fewer segments than it has is worse than none.
/// </summary>
public sealed class S3ListingTests : ScriptedS3Test
{
    [Fact]
    public async Task C3_a_listing_goes_on_over_its_pages()
    {
        var store = await FilledAsync(10);
        Server.Store.PageSize = 3;

        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"object-{i:D2}"), await KeysAsync(store));
    }

    [Fact]
    public async Task C3_a_page_that_comes_again_is_an_error_not_an_endless_listing()
    {
        var store = await FilledAsync(10);
        Server.Store.PageSize = 3;
        Server.On(
            r => r.IsListing && r.Query.ContainsKey("continuation-token"),
            r => Server.Store.Answer(r with { Query = Without(r, "continuation-token") })
        );

        await FailsAsync(ErrorIds.StoreRead, () => KeysAsync(store));
    }

    [Theory]
    [InlineData("<Contents><Key>backups/a</Key><Size>1</Size></Contents><IsTruncated>true</IsTruncated>")]
    [InlineData(
        "<Contents><Key>backups/b</Key><Size>1</Size></Contents><Contents><Key>backups/a</Key><Size>1</Size></Contents><IsTruncated>false</IsTruncated>"
    )]
    [InlineData("<Contents><Key>elsewhere/a</Key><Size>1</Size></Contents><IsTruncated>false</IsTruncated>")]
    public async Task C3_pages_that_do_not_continue_or_are_out_of_order_are_an_error(string page)
    {
        var store = await FilledAsync(1);
        Server.On(r => r.IsListing, ScriptedAnswer.Xml($"<ListBucketResult><Name>bucket</Name>{page}</ListBucketResult>"));

        await FailsAsync(ErrorIds.StoreRead, () => KeysAsync(store));
    }

    [Fact]
    public async Task C4_a_page_that_fails_is_asked_for_again_and_nothing_comes_twice()
    {
        var store = await FilledAsync(10);
        Server.Store.PageSize = 3;
        Server.On(r => r.IsListing && r.Query.ContainsKey("continuation-token"), ScriptedAnswer.Error(500, "InternalError"), times: 2);
        Server.On(r => r.IsListing && r.Query.ContainsKey("continuation-token"), r => Server.Store.Answer(r) with { CutAt = 40 }, times: 1);

        Assert.Equal(10, (await KeysAsync(store)).Distinct().Count());
    }

    [Fact]
    public async Task C3_folder_markers_of_consoles_are_no_objects()
    {
        var store = await FilledAsync(1);
        Server.On(
            r => r.IsListing,
            ScriptedAnswer.Xml(
                "<ListBucketResult><Name>bucket</Name>"
                    + "<Contents><Key>backups/</Key><Size>0</Size></Contents><Contents><Key>backups/a/</Key><Size>0</Size></Contents><Contents><Key>backups/a/b</Key><Size>1</Size></Contents>"
                    + "<IsTruncated>false</IsTruncated></ListBucketResult>"
            )
        );

        Assert.Equal(["a/b"], await KeysAsync(store));
    }

    [Theory]
    [InlineData("<NextKeyMarker>backups/a</NextKeyMarker><NextUploadIdMarker>1</NextUploadIdMarker>")]
    [InlineData("")]
    public async Task C5_a_listing_of_uploads_that_repeats_is_an_error(string markers)
    {
        var store = await FilledAsync(1);
        Server.On(
            r => r.Method == "GET" && r.Query.ContainsKey("uploads"),
            ScriptedAnswer.Xml(
                $"<ListMultipartUploadsResult><Bucket>bucket</Bucket><IsTruncated>true</IsTruncated>{markers}</ListMultipartUploadsResult>"
            )
        );

        await FailsAsync(
            ErrorIds.StoreRead,
            async () =>
            {
                await foreach (var upload in store.ListUploadsAsync("a", default))
                {
                    Assert.Fail(upload.Key);
                }
            }
        );
    }

    private async Task<Engine.Storage.S3.S3Store> FilledAsync(int count)
    {
        var store = Open();
        for (var i = 0; i < count; i++)
        {
            await store.PutAsync($"object-{i:D2}", Bytes("x"), default);
        }

        return store;
    }

    private static Dictionary<string, string> Without(ScriptedRequest request, string name) =>
        request.Query.Where(q => q.Key != name).ToDictionary(q => q.Key, q => q.Value);
}
